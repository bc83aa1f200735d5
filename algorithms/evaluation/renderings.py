"""Rendered episodes as a job leaves them: animated WebP files and what is in them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError

RENDERINGS_FILE = "renderings.json"
GAP = 8
"""Pixels between the sides of a picture."""
_FADED = 0.45
"""How much of a side is left when its episode is over."""


@dataclass(frozen=True)
class RenderedEpisode:
    """One episode, every side of it in one file."""

    reset_seed: int
    file: str
    """Animated WebP, the policy as it is on the left, corrected on the right."""
    still: str
    """Its last picture, which does not move."""
    returns: tuple[float, ...]
    """Of each side."""
    lengths: tuple[int, ...]
    """Steps of each side."""


@dataclass(frozen=True)
class Renderings:
    """What a `render_episodes` job made."""

    environment: str
    size: int
    """Width and height of one side, in pixels."""
    speed: float
    """Seconds of the environment per second of the animation."""
    episodes: tuple[RenderedEpisode, ...]


def side_by_side(sides: Sequence[Sequence[NDArray[np.uint8]]]) -> list[NDArray[np.uint8]]:
    """Return pictures that show all sides at once, as many as the longest side has.

    A side whose episode is over keeps its last picture, faded.

    Args:
        sides: pictures [H, W, 3] of each side, all of one size.
    """
    longest = max(map(len, sides))
    height = sides[0][0].shape[0]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    made = []
    for place in range(longest):
        parts: list[NDArray[np.uint8]] = []
        for pictures in sides:
            parts += [_at(pictures, place), gap]
        made.append(np.concatenate(parts[:-1], axis=1))
    return made


def _at(pictures: Sequence[NDArray[np.uint8]], place: int) -> NDArray[np.uint8]:
    if place < len(pictures):
        return pictures[place]
    return np.round(_FADED * pictures[-1] + (1 - _FADED) * 255.0).astype(np.uint8)


def write_renderings(folder: Path, found: Renderings) -> None:
    """Write `renderings.json`."""
    text = json.dumps(asdict(found), indent=1, allow_nan=False)
    (folder / RENDERINGS_FILE).write_text(text, encoding="utf-8")


def read_renderings(folder: Path) -> Renderings:
    """Return what a `render_episodes` job made.

    Raises:
        CorruptArtifactError: the file is missing or damaged.
    """
    try:
        told: dict[str, Any] = json.loads((folder / RENDERINGS_FILE).read_text(encoding="utf-8"))
        episodes = tuple(
            RenderedEpisode(
                each["reset_seed"], each["file"], each["still"],
                tuple(each["returns"]), tuple(each["lengths"]),
            )
            for each in told["episodes"]
        )  # fmt: skip
        return Renderings(told["environment"], told["size"], told["speed"], episodes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtifactError(f"{folder.name} holds no rendered episodes: {error}.") from error
