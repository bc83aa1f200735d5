"""Intervals of figures of episodes, and differences on the same reset seeds. Pure.

Two things are left to chance: which episodes are played (reset seeds), and, where a policy was
trained, its training seed. Episodes are resampled (percentile bootstrap, as in
`algorithms.evaluation.risk`), the same reset seeds for every policy, so that what an episode asks
of all of them cancels out of a difference. With several training seeds a draw from Student's t
around the observed mean is added, as in `webapp.results.paired`: two or three values are too few
to be resampled. One seed gives exactly the figures of `risk.bootstrap_interval` and
`risk.paired_difference`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from algorithms.evaluation.holm import holm
from algorithms.evaluation.risk import RESAMPLES, Interval, Statistic
from webapp.results.paired import Verdict, p_value_of, seed_draws
from webapp.results.statistics import CONFIDENCE, FloatArray, Key, two_sided_level

ONE_SEED = "One training seed: the interval covers the choice of episodes only."
NOT_AFTER_HOLM = "Not decided once several comparisons are accounted for (Holm)."
HOLDS_ZERO = "The interval holds zero."


@dataclass(frozen=True)
class Sample:
    """One figure's values per episode, of the S policies of one group on the same episodes."""

    seeds: tuple[int, ...]
    """Training seeds, or ids that no other group has."""
    values: tuple[FloatArray, ...]
    """One array per policy, in order of the reset seeds."""
    is_fixed: bool = False
    """A given policy: it has no training seed."""

    @property
    def is_single_training(self) -> bool:
        """Whether the spread over training seeds exists and cannot be known."""
        return len(self.seeds) == 1 and not self.is_fixed


@dataclass(frozen=True)
class Change:
    """A figure of one group minus that of the policies it is compared with."""

    mean: float
    low: float
    high: float
    p_value: float
    """Two-sided, before correction."""
    p_adjusted: float
    """After Holm's correction over all differences shown together."""
    episodes: int
    """Reset seeds that both have."""
    seeds: int
    paired_seeds: bool
    """Whether training seeds are paired as well: a policy with itself, corrected."""
    verdict: Verdict
    note: str


def estimate(sample: Sample, statistic: Statistic) -> Interval:
    """Return the mean over policies of a figure, with its 95% interval.

    Raises:
        ValueError: there are no policies, or no episodes.
    """
    if not sample.values or not all(values.size for values in sample.values):
        raise ValueError("no episodes to measure")
    points = np.array([float(statistic(values)) for values in sample.values])
    draws = np.mean([_resampled(values, statistic) for values in sample.values], axis=0)
    if points.size > 1:
        draws = draws + seed_draws(points, RESAMPLES, np.random.default_rng([0, 1]))
    low, high = _edges(draws)
    return Interval(float(points.mean()), low, high)


def changes(
    pairs: Mapping[Key, tuple[Sample, Sample]], statistics: Mapping[Key, Statistic]
) -> dict[Key, Change]:
    """Return the change of a figure from the first to the second of each pair.

    Args:
        pairs: before and after, on the same reset seeds in the same order.
        statistics: the figure of each pair; normalised returns depend on the data set.

    Raises:
        ValueError: a pair does not have the same episodes.
    """
    drawn = {key: _change(*pair, statistics[key]) for key, pair in pairs.items()}
    p_values = {key: p_value_of(draws) for key, (_, draws) in drawn.items()}
    adjusted = holm(p_values)
    found = {}
    for key, (mean, draws) in drawn.items():
        before, after = pairs[key]
        low, high = _edges(draws)
        verdict, note = _verdict(
            mean, p_values[key], adjusted[key],
            single=before.is_single_training or after.is_single_training,
        )  # fmt: skip
        found[key] = Change(
            mean=mean,
            low=low,
            high=high,
            p_value=p_values[key],
            p_adjusted=adjusted[key],
            episodes=int(before.values[0].size),
            seeds=len(after.seeds),
            paired_seeds=_paired(before, after),
            verdict=verdict,
            note=note,
        )
    return found


def _change(before: Sample, after: Sample, statistic: Statistic) -> tuple[float, FloatArray]:
    """Return the difference and its draws."""
    sizes = {values.size for sample in (before, after) for values in sample.values}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError("paired evaluations need the same episodes, at least one")
    mean = _points(after, statistic).mean() - _points(before, statistic).mean()
    draws = _mean_resampled(after, statistic) - _mean_resampled(before, statistic)
    random = np.random.default_rng([0, 1])
    if _paired(before, after):
        per_seed = _points(after, statistic) - _points(before, statistic)
        draws = draws + seed_draws(per_seed, RESAMPLES, random)
    else:
        for sample in (before, after):
            if len(sample.seeds) > 1:
                draws = draws + seed_draws(_points(sample, statistic), RESAMPLES, random)
    return float(mean), draws


def _paired(before: Sample, after: Sample) -> bool:
    return len(after.seeds) > 1 and sorted(before.seeds) == sorted(after.seeds)


def _points(sample: Sample, statistic: Statistic) -> FloatArray:
    """Return the figure of each policy, in order of the training seeds."""
    order = np.argsort(sample.seeds, kind="stable")
    return np.array([float(statistic(sample.values[place])) for place in order])


def _mean_resampled(sample: Sample, statistic: Statistic) -> FloatArray:
    rows = [_resampled(values, statistic) for values in sample.values]
    return np.asarray(np.mean(rows, axis=0), dtype=np.float64)


def _resampled(values: FloatArray, statistic: Statistic) -> FloatArray:
    """Return the figure of each resample; equal numbers of episodes give the same resamples."""
    drawn = np.random.default_rng(0).integers(values.size, size=(RESAMPLES, values.size))
    return np.asarray(statistic(values[drawn]), dtype=np.float64)


def _edges(draws: FloatArray) -> tuple[float, float]:
    level = two_sided_level(CONFIDENCE)
    low, high = np.quantile(draws, [1 - level, level])
    return float(low), float(high)


def _verdict(mean: float, p_value: float, adjusted: float, *, single: bool) -> tuple[Verdict, str]:
    if single:
        return Verdict.UNDECIDED, ONE_SEED
    alpha = 1 - CONFIDENCE
    if adjusted < alpha:
        return (Verdict.HIGHER if mean > 0 else Verdict.LOWER), ""
    return Verdict.UNDECIDED, (NOT_AFTER_HOLM if p_value < alpha else HOLDS_ZERO)
