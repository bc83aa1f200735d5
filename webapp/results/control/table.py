"""The table of policies and corrections: figures with intervals, and paired differences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from algorithms.base import Metric
from algorithms.environments.grounds import GROUNDS
from algorithms.evaluation.risk import FEWEST_FOR_TAILS, Interval, Statistic, Tail, tail_size
from webapp.results.comparison import value_of
from webapp.results.control.comparison import TUNING, ControlComparison, Variant
from webapp.results.control.episodes import Episodes
from webapp.results.control.inference import Change, Sample, changes, estimate
from webapp.results.control.measures import (
    MEASURES,
    NOT_OF_EPISODES,
    TAILS,
    statistic_of,
    values_of,
)
from webapp.results.statistics import IntArray, MeanCI, mean_ci


@dataclass(frozen=True)
class ControlRow:
    """One variant in the table."""

    variant: Variant
    means: Mapping[str, MeanCI]
    """By figure: over its policies, with the t interval over training seeds."""
    tails: Mapping[str, Interval]
    """VaR and CVaR, with intervals over episodes and training seeds."""
    change: Change | None
    counterpart: Variant | None
    reason: str
    """Why there is no difference."""

    @property
    def episodes(self) -> int:
        """Episodes of each of its evaluations."""
        return max((len(one) for one in self.variant.episodes.values()), default=0)

    @property
    def seeds(self) -> int:
        """Policies that are evaluated."""
        return len(self.variant.episodes)

    @property
    def reference_label(self) -> str:
        """What normalised returns are measured by: D4RL, or local-normalised."""
        first = self.variant.first
        return first.reference.source if first and first.reference else ""


@dataclass(frozen=True)
class ControlTable:
    """Every variant, and what the differences are of."""

    rows: tuple[ControlRow, ...]
    outcome: Metric
    tail: Tail
    warnings: tuple[str, ...]

    @property
    def has_danger(self) -> bool:
        """Whether some environment has a danger zone, or anybody was ever in one."""
        return any(_can_be_in_danger(row.variant.first) for row in self.rows)

    @property
    def has_ood(self) -> bool:
        """Whether a score network looked at the actions of some evaluation."""
        return any("ood_before_mean" in row.means for row in self.rows)

    @property
    def has_normalized(self) -> bool:
        """Whether the returns of some variant can be normalised."""
        return any("normalized_return" in row.means for row in self.rows)

    @property
    def compared(self) -> int:
        """Number of differences, which Holm's correction is over."""
        return sum(row.change is not None for row in self.rows)


def _can_be_in_danger(episodes: Episodes | None) -> bool:
    if episodes is None:
        return False
    ground = GROUNDS.get(episodes.environment)
    known = ground is not None and ground.danger is not None
    return known or bool(episodes.columns["danger_steps_mean"].any())


def control_table(found: ControlComparison) -> ControlTable:
    """Return the table of a comparison; no query."""
    outcome, tail = found.choice.outcome, found.choice.tail
    pairs: dict[int, tuple[Sample, Sample]] = {}
    statistics: dict[int, Statistic] = {}
    reasons: dict[int, str] = {}
    shared: dict[int, int] = {}
    for variant in found.variants:
        pair, reason = _pair(found, variant)
        reasons[variant.key] = reason
        if pair is not None:
            pairs[variant.key] = pair
            statistics[variant.key] = statistic_of(outcome, tail)
            shared[variant.key] = int(pair[0].values[0].size)
    decided = changes(pairs, statistics)
    rows = tuple(
        ControlRow(
            variant=variant,
            means=_means(variant, tail),
            tails=_tails(variant, tail),
            change=decided.get(variant.key),
            counterpart=found.counterpart(variant),
            reason=reasons[variant.key],
        )
        for variant in found.variants
    )
    return ControlTable(rows, MEASURES[outcome], tail, tuple(_warnings(found, rows, shared)))


def sample_of(variant: Variant, name: str, seeds: IntArray | None = None) -> Sample | None:
    """Return the values per episode that a figure is made of; None where some run has none.

    Args:
        seeds: reset seeds to take; None takes each run's own.
    """
    values = []
    for run in variant.runs:
        episodes = variant.episodes[run.id]
        column = values_of(episodes, name)
        if column is None:
            return None
        values.append(column if seeds is None else column[np.searchsorted(episodes.seeds, seeds)])
    if not values:
        return None
    keys = tuple(variant.seed_key(run) for run in variant.runs)
    return Sample(keys, tuple(values), is_fixed=variant.group.is_base)


def figures_of(variant: Variant, name: str, tail: Tail) -> list[float]:
    """Return a figure of each evaluated policy of a variant; nothing where one has none."""
    if name == NOT_OF_EPISODES:
        return [value for run in variant.runs if (value := value_of(run, name)) is not None]
    sample = sample_of(variant, name)
    if sample is None:
        return []
    statistic = statistic_of(name, tail)
    return [float(statistic(values)) for values in sample.values]


def _means(variant: Variant, tail: Tail) -> dict[str, MeanCI]:
    figures = {name: figures_of(variant, name, tail) for name in MEASURES}
    return {name: mean_ci(values) for name, values in figures.items() if values}


def _tails(variant: Variant, tail: Tail) -> dict[str, Interval]:
    sample = sample_of(variant, "return_mean")
    if sample is None:
        return {}
    return {name: estimate(sample, statistic_of(name, tail)) for name in TAILS}


def _pair(found: ControlComparison, variant: Variant) -> tuple[tuple[Sample, Sample] | None, str]:
    """Return a variant's counterpart and itself on the reset seeds that all have, or why not."""
    other = found.counterpart(variant)
    if other is None:
        return None, _alone(found, variant)
    if not variant.episodes or not other.episodes:
        return None, variant.problem or other.problem
    environments = {one.environment for v in (variant, other) for one in v.episodes.values()}
    if len(environments) > 1:
        return None, "Another environment than that of the reference."
    seeds = shared_seeds(variant, other)
    if not seeds.size:
        return None, f"No reset seed in common with {other.name}."
    outcome = found.choice.outcome
    before, after = sample_of(other, outcome, seeds), sample_of(variant, outcome, seeds)
    if before is None or after is None:
        return None, f"One of the two has no {MEASURES[outcome].label.lower()}."
    return (before, after), ""


def _alone(found: ControlComparison, variant: Variant) -> str:
    if variant.problem:
        return variant.problem
    reference = found.variant(found.choice.reference)
    if reference is not None:
        return ""
    if not variant.correction:
        return ""
    return "Its policy is not among the chosen runs without the correction."


def shared_seeds(*variants: Variant) -> IntArray:
    """Return the reset seeds that every evaluation of some variants has, in order."""
    everything = [one.seeds for variant in variants for one in variant.episodes.values()]
    common = everything[0]
    for one in everything[1:]:
        common = np.intersect1d(common, one, assume_unique=True)
    return common


def _warnings(
    found: ControlComparison, rows: tuple[ControlRow, ...], shared: Mapping[int, int]
) -> list[str]:
    texts = []
    sizes = [len(one) for variant in found.evaluated for one in variant.episodes.values()]
    if sizes and min(sizes) < FEWEST_FOR_TAILS:
        few = tail_size(min(sizes), found.choice.tail)
        texts.append(
            f"Some evaluations have {min(sizes)} episodes, their tails {few}: VaR and CVaR say "
            f"next to nothing below {FEWEST_FOR_TAILS} episodes. Evaluate more."
        )
    if shared and min(shared.values()) < max(row.episodes for row in rows):
        texts.append(
            f"Some differences use the {min(shared.values())} reset seeds that both evaluations "
            "have, not all episodes."
        )
    if any(one.first and one.first.purpose == TUNING for one in found.variants):
        texts.append(
            "These evaluations are on tuning seeds: choose settings by them, and report others."
        )
    elif found.left_out:
        names = ", ".join(one.name for one in found.left_out)
        texts.append(f"Left out, because they are on tuning seeds: {names}.")
    return texts
