"""The final table: each group's figures with intervals, and its difference to the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import Metric
from algorithms.metrics import OUTCOME_METRICS
from webapp.results.groups import Group
from webapp.results.outcomes import (
    OutcomesMissing,
    ProblemOutcomes,
    common_problems,
    outcomes_of,
)
from webapp.results.paired import Difference, Outcomes, differences
from webapp.results.rows import RunRow
from webapp.results.statistics import MeanCI, mean_ci

OUTCOMES: Mapping[str, Metric] = {metric.name: metric for metric in OUTCOME_METRICS}


@dataclass(frozen=True)
class FinalRow:
    """One group in the final table."""

    group: Group
    figures: Mapping[str, MeanCI]
    """By outcome metric, over the runs that are evaluated."""
    evaluated: int
    difference: Difference | None
    reason: str
    """Why there is no difference."""
    is_reference: bool

    def cells(self, outcomes: Sequence[Metric]) -> list[MeanCI | None]:
        """Return some figures in their order; None where there is none."""
        return [self.figures.get(metric.name) for metric in outcomes]


@dataclass(frozen=True)
class FinalTable:
    """Every group, and what the differences are of and to."""

    rows: tuple[FinalRow, ...]
    outcome: Metric
    reference: Group | None
    n_problems: int
    """Problems that all compared evaluations share."""
    warnings: tuple[str, ...]

    @property
    def outcomes(self) -> tuple[Metric, ...]:
        """Figures that some group has: the table's columns."""
        known = {name for row in self.rows for name in row.figures}
        return tuple(metric for name, metric in OUTCOMES.items() if name in known)


def value_of(run: RunRow, outcome: str) -> float | None:
    """Return a figure of the run's final evaluation, None while there is none."""
    value = run.summary.get(outcome)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def default_reference(groups: Sequence[Group]) -> Group | None:
    """Return the base policy's group, else the first one."""
    return next((group for group in groups if group.is_base), groups[0] if groups else None)


def final_table(groups: Sequence[Group], outcome: str, reference: Group | None) -> FinalTable:
    """Return the table of the groups, differences in one outcome.

    Differences need the per-problem outcomes of the evaluations; where those of a group are not
    there, its row says why and the others are compared.
    """
    loaded, reasons = _load(groups, outcome)
    compared: dict[int, Difference] = {}
    problems: tuple[str, ...] = ()
    warnings: list[str] = []
    if reference is not None and reference.key in loaded:
        everything = [one for found in loaded.values() for one in found.values()]
        problems = common_problems(everything)
        largest = max(len(one.problems) for one in everything)
        if problems:
            compared = _differences(groups, loaded, reference, (problems, outcome))
        if len(problems) < largest:
            warnings.append(
                f"Differences use the {len(problems)} problems that all evaluations share, of up "
                f"to {largest}."
            )
    warnings += _sampling_warnings(groups)
    rows = tuple(
        FinalRow(
            group=group,
            figures=_figures(group),
            evaluated=sum(bool(run.summary) for run in group.runs),
            difference=compared.get(group.key),
            reason=_reason(group, reference, reasons),
            is_reference=reference is not None and group.key == reference.key,
        )
        for group in groups
    )
    return FinalTable(rows, OUTCOMES[outcome], reference, len(problems), tuple(warnings))


def _sampling_warnings(groups: Sequence[Group]) -> list[str]:
    """Return what must be said where evaluations drew different numbers of completions."""
    drawn = {
        int(run.summary["samples"])
        for group in groups
        for run in group.runs
        if {"samples", "pass_at_n"} <= set(run.summary)
    }
    if len(drawn) < 2:
        return []
    counts = ", ".join(map(str, sorted(drawn)))
    text = f"The evaluations drew {counts} completions per problem: pass@n and maj@n are not the "
    return [f"{text}same figure in them. The plot over K compares them at equal K."]


def _figures(group: Group) -> dict[str, MeanCI]:
    found: dict[str, MeanCI] = {}
    for name in OUTCOMES:
        values = [value for run in group.runs if (value := value_of(run, name)) is not None]
        if values:
            found[name] = mean_ci(values)
    return found


def _load(
    groups: Sequence[Group], outcome: str
) -> tuple[dict[int, dict[int, ProblemOutcomes]], dict[int, str]]:
    """Return outcomes by group and run, and why a group has none."""
    loaded: dict[int, dict[int, ProblemOutcomes]] = {}
    reasons: dict[int, str] = {}
    for group in groups:
        try:
            found = {
                run.id: outcomes_of(run.evaluate.artifact)
                for run in group.runs
                if run.evaluate is not None and run.evaluate.artifact is not None
            }
        except OutcomesMissing as error:
            reasons[group.key] = str(error)
            continue
        if not found:
            reasons[group.key] = "Not evaluated yet."
        elif any(outcome not in one.figures for one in found.values()):
            reasons[group.key] = f"Its evaluation has no {OUTCOMES[outcome].label.lower()}."
        else:
            loaded[group.key] = found
    return loaded, reasons


def _differences(
    groups: Sequence[Group],
    loaded: Mapping[int, Mapping[int, ProblemOutcomes]],
    reference: Group,
    question: tuple[tuple[str, ...], str],
) -> dict[int, Difference]:
    problems, outcome = question

    def outcomes(group: Group) -> Outcomes:
        found = loaded[group.key]
        seeds = tuple(
            seed for run, seed in zip(group.runs, group.seed_keys, strict=True) if run.id in found
        )
        values = np.stack([one.on(problems, outcome) for one in found.values()])
        return Outcomes(seeds, values, is_fixed=group.is_base)

    others = {
        group.key: outcomes(group)
        for group in groups
        if group.key in loaded and group.key != reference.key
    }
    return differences(others, outcomes(reference))


def _reason(group: Group, reference: Group | None, reasons: Mapping[int, str]) -> str:
    if reference is None or group.key == reference.key:
        return ""
    if group.key in reasons:
        return reasons[group.key]
    if reference.key in reasons:
        return f"The reference cannot be compared with: {reasons[reference.key]}"
    return ""
