"""Differences between groups of runs on the same problems, with an honest verdict.

Both groups answered the same problems, so the problem's difficulty cancels: what is resampled is
the problem-wise difference (paired bootstrap over problems). Seeds are the second level. With two
or three of them a bootstrap over seeds is far too narrow (it knows only the values it saw), so a
seed's effect is drawn from Student's t around the observed mean, as in a t interval over seeds:

    difference = mean of the resampled problems + t(S - 1) * standard error over seeds

When seeds are paired (both groups have the same ones) the standard error is that of the per-seed
differences; else each group contributes its own. An interval is the central share of the draws, the
p-value the smaller tail, doubled. Noise of single answers counts at both levels, which makes the
interval a little wide, never narrow. Groups compared with one reference share Holm's correction:
the verdict follows the adjusted p-value, the interval shown is the unadjusted one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from algorithms.evaluation.holm import holm
from webapp.results.statistics import (
    CONFIDENCE,
    FloatArray,
    Key,
    standard_error,
    two_sided_level,
)

DRAWS = 4000
POWER = 0.8
"""How often a difference of the detectable size is found."""
_CHUNK = 2_000_000
"""Resampled problems held in memory at once."""


class Verdict(StrEnum):
    """What may be said about a difference."""

    HIGHER = "higher"
    LOWER = "lower"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Outcomes:
    """What S trainings of one group did on the same P problems."""

    seeds: tuple[int, ...]
    values: FloatArray
    """S x P, one number per seed and problem: 0 or 1, or a mean over samples."""
    is_fixed: bool = False
    """One given policy rather than a sample of trainings: it has no spread over seeds."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.seeds):
            raise ValueError("outcomes need one row of values per seed")
        if self.values.size == 0 or not np.isfinite(self.values).all():
            raise ValueError("outcomes need at least one seed and problem, and finite values")

    @property
    def per_seed(self) -> FloatArray:
        """Mean over problems, per seed."""
        return np.asarray(self.values.mean(axis=1), dtype=np.float64)

    @property
    def is_single_training(self) -> bool:
        """Whether the spread over seeds exists but cannot be known."""
        return len(self.seeds) == 1 and not self.is_fixed


@dataclass(frozen=True)
class Difference:
    """Group minus reference, in the unit of the outcomes."""

    mean: float
    low: float
    high: float
    p_value: float
    """Two-sided, before correction."""
    p_adjusted: float
    """After Holm's correction over the groups compared together."""
    n_problems: int
    n_seeds: int
    paired_seeds: bool
    verdict: Verdict
    note: str
    """Why the verdict is what it is, where that needs saying."""
    detectable: float
    """Smallest true difference that these problems and seeds would show four times in five, alone
    among comparisons; for one seed, over the choice of problems only."""


@dataclass(frozen=True)
class _Draws:
    mean: float
    values: FloatArray
    paired: bool
    single: bool


def differences(
    groups: Mapping[Key, Outcomes],
    reference: Outcomes,
    *,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[Key, Difference]:
    """Return each group's difference to the reference, corrected for their number.

    Args:
        groups: outcomes on the reference's problems, in the same order.
        seed: of the bootstrap; the same input always gives the same numbers.

    Raises:
        ValueError: a group answered another number of problems than the reference.
    """
    problems = reference.values.shape[1]
    for key, group in groups.items():
        if group.values.shape[1] != problems:
            raise ValueError(f"{key} has {group.values.shape[1]} problems, not {problems}")
    contrasts = {
        key: group.values.mean(axis=0) - reference.values.mean(axis=0)
        for key, group in groups.items()
    }
    resampled = _resample(contrasts, problems, draws=draws, seed=seed)
    drawn = {
        key: _add_seeds(group, reference, resampled[key], seed=seed)
        for key, group in groups.items()
    }
    p_values = {key: p_value_of(draw.values) for key, draw in drawn.items()}
    adjusted = holm(p_values)
    level = two_sided_level(confidence)
    result = {}
    for key, draw in drawn.items():
        low, high = np.quantile(draw.values, [1 - level, level])
        verdict, note = _verdict(draw, p_values[key], adjusted[key], alpha=1 - confidence)
        result[key] = Difference(
            mean=draw.mean,
            low=float(low),
            high=float(high),
            p_value=p_values[key],
            p_adjusted=adjusted[key],
            n_problems=problems,
            n_seeds=len(groups[key].seeds),
            paired_seeds=draw.paired,
            verdict=verdict,
            note=note,
            detectable=detectable_of(draw.values, level),
        )
    return result


def _resample(
    contrasts: Mapping[Key, FloatArray], problems: int, *, draws: int, seed: int
) -> dict[Key, FloatArray]:
    """Return the mean contrast of each draw; every group sees the same resampled problems."""
    keys = list(contrasts)
    if not keys:
        return {}
    table = np.stack([contrasts[key] for key in keys], axis=1)
    random = np.random.default_rng(seed)
    means = np.empty((draws, len(keys)))
    size = max(1, _CHUNK // problems)
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        chosen = random.integers(problems, size=(rows, problems))
        flat = (chosen + np.arange(rows)[:, None] * problems).ravel()
        counts = np.bincount(flat, minlength=rows * problems).reshape(rows, problems)
        means[start : start + rows] = counts @ table / problems
    return {key: means[:, column] for column, key in enumerate(keys)}


def _add_seeds(group: Outcomes, reference: Outcomes, resampled: FloatArray, *, seed: int) -> _Draws:
    """Return the problem draws with the spread over seeds added."""
    paired = len(group.seeds) > 1 and sorted(group.seeds) == sorted(reference.seeds)
    mean = float(group.per_seed.mean() - reference.per_seed.mean())
    random = np.random.default_rng([seed, 1])
    values = resampled
    if paired:
        per_seed = _by_seed(group) - _by_seed(reference)
        values = values + seed_draws(per_seed, len(values), random)
    else:
        for outcomes in (group, reference):
            if len(outcomes.seeds) > 1:
                values = values + seed_draws(outcomes.per_seed, len(values), random)
    return _Draws(mean, values, paired, group.is_single_training or reference.is_single_training)


def _by_seed(outcomes: Outcomes) -> FloatArray:
    return outcomes.per_seed[np.argsort(outcomes.seeds, kind="stable")]


def seed_draws(per_seed: FloatArray, draws: int, random: np.random.Generator) -> FloatArray:
    """Return draws of the mean's error over seeds, evenly spread over the t distribution."""
    levels = (np.arange(draws) + 0.5) / draws
    spread = special.stdtrit(float(per_seed.size - 1), random.permutation(levels))
    return np.asarray(spread * standard_error(per_seed), dtype=np.float64)


def detectable_of(draws: FloatArray, level: float) -> float:
    """Return the minimum detectable effect: from the edge of no effect to that of wanted power."""
    middle, power, edge = np.quantile(draws, [0.5, POWER, level])
    return float(edge - middle + power - middle)


def p_value_of(draws: FloatArray) -> float:
    """Return the two-sided p-value of draws: the smaller tail around zero, doubled."""
    tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (draws.size + 1))


def _verdict(draw: _Draws, p_value: float, adjusted: float, *, alpha: float) -> tuple[Verdict, str]:
    if draw.single:
        return Verdict.UNDECIDED, "One seed: the interval covers the choice of problems only."
    if adjusted < alpha:
        return (Verdict.HIGHER if draw.mean > 0 else Verdict.LOWER), ""
    if p_value < alpha:
        return Verdict.UNDECIDED, "Not decided once several comparisons are accounted for (Holm)."
    return Verdict.UNDECIDED, "The interval holds zero."
