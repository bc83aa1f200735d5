"""VaR and CVaR of episode returns, with bootstrap intervals, and differences of paired episodes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Convention = Literal["ceil", "floor"]
QuantileMethod = Literal["linear", "inverted_cdf"]

RESAMPLES = 1000
CONFIDENCE = 0.95
FEWEST_FOR_TAILS = 50
"""With fewer episodes a tail measure says next to nothing."""
_ROUNDING = 1e-9
"""0.07 x 100 is 7.000000000000001 in floats and means 7."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From samples [..., n] to figures [...]."""


@dataclass(frozen=True)
class Interval:
    """A figure and its bootstrap interval at 95%."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Tail:
    """Which tail, and how it is counted."""

    alpha: float = 0.1
    """Share of the worst episodes."""
    convention: Convention = "ceil"
    """Size of the tail: alpha n rounded up, or down but at least 1 (CODAC's)."""
    method: QuantileMethod = "linear"
    """Of the quantile that VaR is."""


def tail_size(episodes: int, tail: Tail) -> int:
    """Return how many of n episodes are in the tail."""
    exact = tail.alpha * episodes
    if tail.convention == "ceil":
        return max(1, math.ceil(exact - _ROUNDING))
    return max(1, math.floor(exact + _ROUNDING))


def value_at_risk(returns: NDArray[np.float64], tail: Tail) -> NDArray[np.float64]:
    """Return VaR, the alpha-quantile of returns [..., n]."""
    return np.asarray(np.quantile(returns, tail.alpha, axis=-1, method=tail.method))


def conditional_value_at_risk(returns: NDArray[np.float64], tail: Tail) -> NDArray[np.float64]:
    """Return CVaR, the mean of the worst returns of each sample [..., n]."""
    size = tail_size(returns.shape[-1], tail)
    return np.asarray(np.sort(returns, axis=-1)[..., :size].mean(axis=-1))


def bootstrap_interval(
    statistic: Statistic, sample: NDArray[np.float64], *, seed: int = 0
) -> Interval:
    """Return a figure with the interval between quantiles of 1000 resamples (percentiles).

    Raises:
        ValueError: the sample is empty.
    """
    if not sample.size:
        raise ValueError("no episodes to measure")
    random = np.random.default_rng(seed)
    drawn = random.integers(len(sample), size=(RESAMPLES, len(sample)))
    figures = statistic(sample[drawn])
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(figures, [edge, 1 - edge])
    return Interval(float(statistic(sample)), float(low), float(high))


@dataclass(frozen=True)
class Risk:
    """What the returns of one evaluation come to."""

    episodes: int
    mean: Interval
    std: float
    """Of the sample (n - 1); 0 for one episode."""
    var: Interval
    cvar: Interval


def risk_of(returns: NDArray[np.float64], tail: Tail, *, seed: int = 0) -> Risk:
    """Return mean, deviation, VaR and CVaR of returns, with intervals."""
    return Risk(
        episodes=len(returns),
        mean=bootstrap_interval(lambda sample: sample.mean(axis=-1), returns, seed=seed),
        std=float(returns.std(ddof=1)) if len(returns) > 1 else 0.0,
        var=bootstrap_interval(lambda sample: value_at_risk(sample, tail), returns, seed=seed),
        cvar=bootstrap_interval(
            lambda sample: conditional_value_at_risk(sample, tail), returns, seed=seed
        ),
    )


def paired_difference(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    statistic: Statistic,
    *,
    seed: int = 0,
) -> Interval:
    """Return the change of a figure between two policies on the same reset seeds.

    Episodes are resampled in pairs, so that what the seeds have in common cancels out.

    Raises:
        ValueError: the two do not have the same episodes.
    """
    if before.shape != after.shape or not before.size:
        raise ValueError("paired evaluations need the same episodes, at least one")
    pairs = np.stack([before, after])

    def change(sample: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(statistic(sample[..., 1]) - statistic(sample[..., 0]))

    random = np.random.default_rng(seed)
    drawn = random.integers(before.size, size=(RESAMPLES, before.size))
    figures = change(np.moveaxis(pairs[:, drawn], 0, -1))
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(figures, [edge, 1 - edge])
    return Interval(float(change(pairs.T)), float(low), float(high))
