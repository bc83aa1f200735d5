"""CORL's numbers beside those of runs on D4RL's data: final scores, of policies as they are.

Means and deviations over seeds of tinkoff-ai/CORL's README at 6afec90 (Apache-2.0), D4RL v2.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import starmap

WHOSE = "CORL"
SOURCE = "CORL's final scores on D4RL's data, read in its repository (Apache-2.0): no paper's."
_ALGORITHMS = ("bc", "bc_best", "td3_bc", "cql", "iql")
"""Columns; `bc_best` is BC of the best tenth of episodes."""
_BEST_SHARE = 0.1
_NAME = re.compile(r"\b((?:halfcheetah|hopper|walker2d|antmaze)(?:-[a-z0-9]+)+?)-v2\b")


@dataclass(frozen=True)
class Published:
    """A mean over seeds as somebody has published it."""

    mean: float
    std: float
    """Over seeds."""

    @property
    def text(self) -> str:
        """Whose it is, and what."""
        return f"{WHOSE} {self.mean:.1f} ± {self.std:.1f}"


_ROWS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "halfcheetah-medium": (
        (42.40, 0.19), (42.46, 0.70), (48.10, 0.18), (47.04, 0.22), (48.31, 0.22),
    ),
    "halfcheetah-medium-replay": (
        (35.66, 2.33), (23.59, 6.95), (44.84, 0.59), (45.04, 0.27), (44.46, 0.22),
    ),
    "halfcheetah-medium-expert": (
        (55.95, 7.35), (90.10, 2.45), (90.78, 6.04), (95.63, 0.42), (94.74, 0.52),
    ),
    "hopper-medium": (
        (53.51, 1.76), (55.48, 7.30), (60.37, 3.49), (59.08, 3.77), (67.53, 3.78),
    ),
    "hopper-medium-replay": (
        (29.81, 2.07), (70.42, 8.66), (64.42, 21.52), (95.11, 5.27), (97.43, 6.39),
    ),
    "hopper-medium-expert": (
        (52.30, 4.01), (111.16, 1.03), (101.17, 9.07), (99.26, 10.91), (107.42, 7.80),
    ),
    "walker2d-medium": (
        (63.23, 16.24), (67.34, 5.17), (82.71, 4.78), (80.75, 3.28), (80.91, 3.17),
    ),
    "walker2d-medium-replay": (
        (21.80, 10.15), (54.35, 6.34), (85.62, 4.01), (73.09, 13.22), (82.15, 3.03),
    ),
    "walker2d-medium-expert": (
        (98.96, 15.98), (108.70, 0.25), (110.03, 0.36), (109.56, 0.39), (111.72, 0.86),
    ),
    "antmaze-umaze": (
        (55.25, 4.15), (65.75, 5.26), (70.75, 39.18), (92.75, 1.92), (77.00, 5.52),
    ),
    "antmaze-umaze-diverse": (
        (47.25, 4.09), (44.00, 1.00), (44.75, 11.61), (37.25, 3.70), (54.25, 5.54),
    ),
    "antmaze-medium-play": (
        (0.00, 0.00), (2.00, 0.71), (0.25, 0.43), (65.75, 11.61), (65.75, 11.71),
    ),
    "antmaze-medium-diverse": (
        (0.75, 0.83), (5.75, 9.39), (0.25, 0.43), (67.25, 3.56), (73.75, 5.45),
    ),
    "antmaze-large-play": (
        (0.00, 0.00), (0.00, 0.00), (0.00, 0.00), (20.75, 7.26), (42.00, 4.53),
    ),
    "antmaze-large-diverse": (
        (0.00, 0.00), (0.75, 0.83), (0.00, 0.00), (20.50, 13.24), (30.25, 3.63),
    ),
}  # fmt: skip
CORL: Mapping[str, Mapping[str, Published]] = {
    name: dict(zip(_ALGORITHMS, starmap(Published, row), strict=True))
    for name, row in _ROWS.items()
}
"""By D4RL's name without its version, then by algorithm."""


def d4rl_name(*texts: str) -> str:
    """Return the data set of CORL's table that texts name, such as a path; empty for none.

    The version must be written, and be 2: others hold other data.
    """
    for text in texts:
        for found in _NAME.finditer(text.lower().replace("_", "-")):
            if found[1] in CORL:
                return found[1]
    return ""


def published_of(dataset: str, algorithm: str, top_share: float | None) -> Published | None:
    """Return CORL's number of an algorithm on a data set, if its table has it.

    Args:
        top_share: of BC: the share of episodes that it learns from.
    """
    name = algorithm
    if algorithm == "bc" and top_share not in (None, 1.0):
        name = "bc_best" if top_share == _BEST_SHARE else ""
    return CORL.get(dataset, {}).get(name)
