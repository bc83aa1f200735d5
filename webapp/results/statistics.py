"""Uncertainty over seeds: means with Student's t intervals, and Holm's correction.

Seeds are the sample: an interval here says how far the mean of a few seeds may be from the mean
over all seeds that could have been drawn. One seed tells nothing of that: there is no interval.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Key = TypeVar("Key", bound=Hashable)

CONFIDENCE = 0.95


@dataclass(frozen=True)
class MeanCI:
    """The mean of n values with its interval; `low` and `high` are None when n is 1."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def margin(self) -> float | None:
        """Half the width of the interval: the number after ±."""
        return None if self.high is None else self.high - self.mean

    @property
    def why_no_interval(self) -> str:
        """A sentence where there is no interval, else nothing."""
        return "" if self.n > 1 else "One seed: no interval. Add seeds to see the spread."


def mean_ci(values: Sequence[float] | FloatArray, confidence: float = CONFIDENCE) -> MeanCI:
    """Return the mean of the values with a Student's t interval.

    Args:
        values: one number per seed, assumed independent and about normal between seeds.
        confidence: share of such intervals that hold the true mean.

    Raises:
        ValueError: no values, a value that is not finite, or a confidence outside (0, 1).
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0 or not np.isfinite(sample).all():
        raise ValueError("a mean needs at least one value, and every value finite")
    mean = float(sample.mean())
    if sample.size == 1:
        return MeanCI(mean, None, None, 1)
    margin = t_quantile(sample.size - 1, confidence) * standard_error(sample)
    return MeanCI(mean, mean - margin, mean + margin, int(sample.size))


def standard_error(sample: FloatArray) -> float:
    """Return the standard error of the mean of two or more values."""
    return float(sample.std(ddof=1)) / math.sqrt(sample.size)


def t_quantile(degrees: int | FloatArray, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors a two-sided t interval reaches to each side.

    12.7 for two seeds, 4.3 for three, 2.8 for five.
    """
    return special.stdtrit(degrees, two_sided_level(confidence))  # type: ignore[no-any-return]


def two_sided_level(confidence: float) -> float:
    """Return the upper quantile's level: 0.975 for 0.95.

    Raises:
        ValueError: confidence is not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return 0.5 + confidence / 2


def columns_ci(
    values: FloatArray, confidence: float = CONFIDENCE
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return mean, margin and count per column of a seeds x points table with gaps (NaN).

    The margin is NaN where fewer than two seeds have a value; the mean where none has.
    """
    present = np.isfinite(values)
    n = present.sum(axis=0)
    filled = np.where(present, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / n
        squares = np.where(present, (values - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / (n - 1) / n)
    quantile = np.full(n.shape, np.nan)
    quantile[n > 1] = t_quantile((n[n > 1] - 1).astype(np.float64), confidence)
    return mean, quantile * error, n
