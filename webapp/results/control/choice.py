"""What a person chose to see of experiments in control, as an address and back; pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from django.http import QueryDict

from algorithms.evaluation.risk import Tail
from webapp.results.choice import MAX_RUNS, compact, enum_of, ids_of, number_of, one_of
from webapp.results.choice import smoothing_of as smoothing
from webapp.results.curves import XAxis

DEFAULT_METRIC = ""
"""The first of those that were logged."""
DEFAULT_OUTCOME = "return_mean"
DEFAULT_ALPHA = 0.1
ALPHAS = (0.01, 0.5)
"""Smallest and largest level that the page offers."""


class Shape(StrEnum):
    """How returns are drawn."""

    HISTOGRAM = "histogram"
    ECDF = "ecdf"


class Convention(StrEnum):
    """How many episodes a tail has."""

    CEIL = "ceil"
    FLOOR = "floor"


class Quantile(StrEnum):
    """How VaR is read off a sample."""

    LINEAR = "linear"
    INVERTED = "inverted_cdf"


@dataclass(frozen=True)
class ControlChoice:
    """Everything that determines the compare page of experiments in control."""

    runs: tuple[int, ...] = ()
    metric: str = DEFAULT_METRIC
    axis: XAxis = XAxis.STEPS
    smoothing: float = 0.0
    outcome: str = DEFAULT_OUTCOME
    reference: int | None = None
    """Key of a group; None compares every corrected policy with itself, uncorrected."""
    alpha: float = DEFAULT_ALPHA
    convention: Convention = Convention.CEIL
    quantile: Quantile = Quantile.LINEAR
    shape: Shape = Shape.HISTOGRAM
    across: str = ""
    """Setting on the x-axis of the sensitivity map; empty takes the first that differs."""
    down: str = ""
    """On its y-axis, likewise."""
    watched: int | None = None
    """Key of the group whose kept episodes are drawn; None takes the first corrected one."""
    episode: int = 0
    """Which of them, where one is drawn at a time."""
    dropped: int = 0
    """Runs beyond MAX_RUNS."""

    @property
    def tail(self) -> Tail:
        """The tail that VaR and CVaR are of."""
        return Tail(self.alpha, self.convention.value, self.quantile.value)

    def query(self) -> str:
        """Return the shortest query string that restores the page."""
        plain = ControlChoice()
        fields = [("runs", compact(self.runs))] if self.runs else []
        fields += [
            (key, _text(getattr(self, name)))
            for key, name in _FIELDS.items()
            if getattr(self, name) != getattr(plain, name)
        ]
        return urlencode(fields, safe=",")


_FIELDS = {
    "metric": "metric",
    "x": "axis",
    "smooth": "smoothing",
    "outcome": "outcome",
    "ref": "reference",
    "alpha": "alpha",
    "tail": "convention",
    "quantile": "quantile",
    "shape": "shape",
    "across": "across",
    "down": "down",
    "watch": "watched",
    "episode": "episode",
}
"""Names in addresses and forms, and the fields that they stand for."""


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse_control(
    query: QueryDict, metrics: Iterable[str], outcomes: Iterable[str]
) -> ControlChoice:
    """Return the choice that an address or a form describes; what is unclear takes its default."""
    runs = sorted(set(ids_of(query.getlist("runs") + query.getlist("run"))))
    axis = enum_of(XAxis, query.get("x", ""), XAxis.STEPS)
    choice = ControlChoice(
        metric=one_of(query.get("metric", ""), metrics, DEFAULT_METRIC),
        axis=axis if axis in {XAxis.STEPS, XAxis.SECONDS} else XAxis.STEPS,
        smoothing=smoothing(query.get("smooth", "")),
        outcome=one_of(query.get("outcome", ""), outcomes, DEFAULT_OUTCOME),
        reference=number_of(query.get("ref", "")),
        alpha=_alpha(query.get("alpha", "")),
        convention=enum_of(Convention, query.get("tail", ""), Convention.CEIL),
        quantile=enum_of(Quantile, query.get("quantile", ""), Quantile.LINEAR),
        shape=enum_of(Shape, query.get("shape", ""), Shape.HISTOGRAM),
        across=query.get("across", "")[:200],
        down=query.get("down", "")[:200],
        watched=number_of(query.get("watch", "")),
        episode=number_of(query.get("episode", "")) or 0,
    )
    return with_runs(choice, runs)


def with_runs(choice: ControlChoice, runs: Iterable[int]) -> ControlChoice:
    """Return the choice with other runs."""
    found = sorted(set(runs))
    return replace(choice, runs=tuple(found[:MAX_RUNS]), dropped=max(0, len(found) - MAX_RUNS))


def _alpha(text: str) -> float:
    """Return a level, as a percentage too; the default where it is something else."""
    match = re.fullmatch(r"\s*(\d{0,3}(?:\.\d{1,4})?)\s*(%?)\s*", text)
    if not match or not match[1]:
        return DEFAULT_ALPHA
    level = float(match[1]) / (100 if match[2] else 1)
    return level if ALPHAS[0] <= level <= ALPHAS[1] else DEFAULT_ALPHA
