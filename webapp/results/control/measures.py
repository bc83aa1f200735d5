"""What is measured of episodes, and how figures of a tail are counted. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from algorithms.base import Metric
from algorithms.control_metrics import CONTROL_OUTCOME_METRICS
from algorithms.evaluation.risk import (
    Statistic,
    Tail,
    conditional_value_at_risk,
    value_at_risk,
)
from webapp.results.control.episodes import Episodes
from webapp.results.statistics import FloatArray

MEASURES: Mapping[str, Metric] = {metric.name: metric for metric in CONTROL_OUTCOME_METRICS}
TAILS = ("var", "cvar")
"""Figures of the worst episodes: they depend on the level, and need many episodes."""
OF_RETURNS = (*TAILS, "return_std")
"""Figures of returns that are not a mean over episodes."""
NOT_OF_EPISODES = "ms_per_action"
"""Measured of the whole evaluation."""
COMPARED: tuple[Metric, ...] = tuple(
    metric
    for name, metric in MEASURES.items()
    if name not in {NOT_OF_EPISODES, "ood_before_mean", "return_std"}
)
"""Figures that differences can be of."""


def values_of(episodes: Episodes, name: str) -> FloatArray | None:
    """Return the values per episode that a figure is made of; None where there are none."""
    return episodes.columns.get("return_mean" if name in OF_RETURNS else name)


def statistic_of(name: str, tail: Tail) -> Statistic:
    """Return how a figure follows from values per episode [..., n]."""
    match name:
        case "var":
            return lambda sample: value_at_risk(sample, tail)
        case "cvar":
            return lambda sample: conditional_value_at_risk(sample, tail)
        case "return_std":
            return _deviation
        case _:
            return _mean


def _mean(sample: FloatArray) -> FloatArray:
    return np.asarray(sample.mean(axis=-1))


def _deviation(sample: FloatArray) -> FloatArray:
    if sample.shape[-1] < 2:
        return np.zeros(sample.shape[:-1])
    return np.asarray(sample.std(axis=-1, ddof=1))


def common_seeds(evaluations: Sequence[Episodes]) -> FloatArray:
    """Return the reset seeds that all evaluations have, in order."""
    first, *others = evaluations
    shared = first.seeds
    for one in others:
        shared = np.intersect1d(shared, one.seeds, assume_unique=True)
    return np.asarray(shared)
