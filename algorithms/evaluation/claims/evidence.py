"""What seeds say for and against a claim about a mean: one-sided t tests, and seeds needed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8
"""How often as many seeds as are said to be needed would decide."""
MOST_SEEDS = 999
"""A claim that needs more is out of reach."""


@dataclass(frozen=True)
class Evidence:
    """What n seeds say of one claim, before it is corrected for the other claims beside it."""

    p_for: float
    """Probability of what was seen, or clearer, if the claim were just wrong."""
    p_against: float
    """The same if the claim were just right."""
    estimate: float | None
    """What the claim is about, in its unit: a difference, a slope; None without seeds."""
    low: float | None
    """Lower end of its 95% interval over seeds; None with fewer than two seeds."""
    high: float | None
    n: int
    """Seeds that both sides have."""
    effect: float | None
    """Distance of the estimate from where the verdict turns, in standard deviations over seeds;
    None where that is unknown or nothing."""
    tests: int = 1
    """Tests inside this claim that share its error (points that could be an optimum)."""
    note: str = ""
    """What else a reader must know."""


@dataclass(frozen=True)
class Sample:
    """Mean and spread of one number per seed."""

    values: FloatArray
    deviation: float
    """Standard deviation, at least what rounding alone gives; NaN for a single seed."""

    @property
    def n(self) -> int:
        """Number of seeds."""
        return int(self.values.size)

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(self.values.mean())

    def p_above(self, threshold: float) -> float:
        """Return the one-sided p-value of the mean being above a threshold; 1 for one seed."""
        if self.n < 2:
            return 1.0
        distance = self.mean - threshold
        if self.deviation == 0.0:
            return 0.0 if distance > 0 else 1.0
        return float(special.stdtr(self.n - 1, -distance / self.deviation * math.sqrt(self.n)))

    def p_below(self, threshold: float) -> float:
        """Return the one-sided p-value of the mean being below a threshold; 1 for one seed."""
        return Sample(-self.values, self.deviation).p_above(-threshold)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
        """Return the t interval of the mean; None and None for one seed."""
        if self.n < 2:
            return None, None
        quantile = float(special.stdtrit(self.n - 1, 0.5 + confidence / 2))
        margin = quantile * self.deviation / math.sqrt(self.n)
        return self.mean - margin, self.mean + margin

    def effect(self, distance: float) -> float | None:
        """Return a distance in standard deviations; None where that says nothing."""
        if self.n < 2 or distance <= 0:
            return None
        return math.inf if self.deviation == 0.0 else distance / self.deviation


def sample_of(values: Sequence[float] | FloatArray, resolution: float = 0.0) -> Sample:
    """Return the sample of one number per seed.

    Args:
        resolution: smallest step between two values, such as one of 400 answers. Values that are
            all alike are then still known only to rounding, whose standard deviation for a
            difference of two is resolution / sqrt(6).

    Raises:
        ValueError: no values, or one that is not a finite number.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError("a sample needs at least one seed, and finite values")
    if array.size == 1:
        return Sample(array, math.nan)
    return Sample(array, max(float(array.std(ddof=1)), resolution / math.sqrt(6)))


def nothing_known(note: str) -> Evidence:
    """Return evidence that decides nothing, and why."""
    return Evidence(1.0, 1.0, None, None, None, 0, None, note=note)


def power_of(effect: float, n: int, level: float) -> float:
    """Return how often n seeds show an effect (in standard deviations) at a one-sided level.

    That of the one-sample t test: noncentral t with n - 1 degrees and effect * sqrt(n).
    """
    if n < 2:
        return 0.0
    if math.isinf(effect):
        return 1.0
    quantile = special.stdtrit(n - 1, 1 - level)
    below = float(special.nctdtr(n - 1, effect * math.sqrt(n), quantile))
    return 1.0 if math.isnan(below) else 1 - below  # NaN: so far out that it underflows


def seeds_needed(effect: float | None, level: float, power: float = POWER) -> int | None:
    """Return the fewest seeds that show an effect as often as `power`; None above 999.

    The effect is that of the seeds seen so far, so the answer is as uncertain as they are.
    """
    if effect is None or effect <= 0 or power_of(effect, MOST_SEEDS, level) < power:
        return None
    low, high = 2, MOST_SEEDS
    while low < high:
        middle = (low + high) // 2
        if power_of(effect, middle, level) >= power:
            high = middle
        else:
            low = middle + 1
    return low


def detectable(deviation: float, n: int, level: float, power: float = POWER) -> float | None:
    """Return the smallest true mean that n seeds of this spread show as often as `power`."""
    if n < 2 or not math.isfinite(deviation):
        return None
    low, high = 0.0, 1.0
    while power_of(high, n, level) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power_of(middle, n, level) >= power else (middle, high)
    return high * deviation
