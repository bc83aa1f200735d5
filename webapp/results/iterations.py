"""Final figures by iteration, for runs of several rounds: the plot, the table, the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from django.urls import reverse

from algorithms.base import Metric
from webapp.results import selectors
from webapp.results.compare import Comparison
from webapp.results.comparison import OUTCOMES
from webapp.results.exports import csv_text
from webapp.results.figures import by_iteration
from webapp.results.figures.by_iteration import IterationCurve, IterationDot, IterationMean
from webapp.results.groups import Group
from webapp.results.rows import JobRow, RunRow
from webapp.results.statistics import MeanCI, mean_ci


@dataclass(frozen=True)
class Evaluated:
    """One run's figure after one iteration."""

    run: RunRow
    number: int
    """Iterations done; 0 is the policy that everything starts from."""
    value: float
    job_id: int


@dataclass(frozen=True)
class IterationRow:
    """One compared group."""

    group: Group
    found: tuple[Evaluated, ...]
    means: Mapping[int, MeanCI]
    """Over its runs, by the number of iterations."""

    def cells(self, numbers: Sequence[int]) -> list[MeanCI | None]:
        """Return the means after some numbers of iterations; None where nothing is evaluated."""
        return [self.means.get(number) for number in numbers]


@dataclass(frozen=True)
class IterationTable:
    """Every group that has iterations."""

    outcome: Metric
    rows: tuple[IterationRow, ...]

    @property
    def numbers(self) -> list[int]:
        """The columns: every number of iterations that some group is evaluated after."""
        return sorted({number for row in self.rows for number in row.means})

    @property
    def lines(self) -> list[tuple[Group, list[MeanCI | None]]]:
        """The groups with their cells."""
        return [(row.group, row.cells(self.numbers)) for row in self.rows]


def iteration_table(found: Comparison) -> IterationTable:
    """Return the chosen outcome by iteration; 1 query where runs have rounds, else none."""
    groups = [group for group in found.groups if any(run.rounds for run in group.runs)]
    starts = policy_evaluations(found) if groups else {}
    outcome = found.choice.outcome
    rows = []
    for group in groups:
        evaluated = tuple(one for run in group.runs for one in _evaluated(run, starts, outcome))
        if evaluated:
            rows.append(IterationRow(group, evaluated, _means(evaluated)))
    return IterationTable(OUTCOMES[outcome], tuple(rows))


def policy_evaluations(found: Comparison) -> dict[int, JobRow]:
    """Return evaluations of given policies among the chosen runs, by the job that made a policy."""
    base = {run.evaluate.id: run.evaluate for run in found.runs if run.is_base and run.evaluate}
    return {policy: base[job] for job, policy in selectors.evaluated_policies(base).items()}


def _evaluated(run: RunRow, starts: Mapping[int, JobRow], outcome: str) -> list[Evaluated]:
    jobs: list[tuple[int, JobRow | None]] = [(one.number, one.evaluate) for one in run.rounds]
    if run.rounds and "policy" in run.sources:
        jobs.insert(0, (0, starts.get(run.sources["policy"].job_id)))
    return [
        Evaluated(run, number, value, job.id)
        for number, job in jobs
        if job is not None and (value := _figure(job, outcome)) is not None
    ]


def _figure(job: JobRow, outcome: str) -> float | None:
    value = job.artifact.summary.get(outcome) if job.artifact else None
    return float(value) if isinstance(value, int | float) else None


def _means(evaluated: Sequence[Evaluated]) -> dict[int, MeanCI]:
    numbers = sorted({one.number for one in evaluated})
    # The policy of the beginning is one: its evaluation is no sample of several.
    values = {n: [one.value for one in evaluated if one.number == n] for n in numbers}
    return {n: mean_ci(sorted(set(found)) if n == 0 else found) for n, found in values.items()}


def by_iteration_figure(found: Comparison) -> go.Figure:
    """Return the chosen outcome against the number of iterations."""
    table = iteration_table(found)
    curves = [
        IterationCurve(
            name=row.group.name,
            algorithm=row.group.algorithm,
            variant=row.group.variant,
            dots=tuple(
                IterationDot(one.number, one.value, reverse("jobs:detail", args=[one.job_id]))
                for one in row.found
            ),
            means=tuple(IterationMean(number, mean) for number, mean in row.means.items()),
        )
        for row in table.rows
    ]
    return by_iteration.draw(curves, table.outcome)


def iterations_csv(found: Comparison) -> str:
    """Return the chosen outcome of every run after every iteration, with the job that said it."""
    table = iteration_table(found)
    header = ("group", "algorithm", "run", "seed", "iteration", table.outcome.name, "job")
    rows = []
    for row in table.rows:
        for one in row.found:
            who = (row.group.name, row.group.algorithm, one.run.id, one.run.seed)
            rows.append((*who, one.number, one.value, one.job_id))
    return csv_text(header, rows)
