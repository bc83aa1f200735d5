"""What it costs to reach a target accuracy: steps, completions, tokens and seconds, per group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import Metric
from algorithms.metrics import EVAL_METRICS
from webapp.results.compare import Comparison, points, shares_of
from webapp.results.exports import csv_text, latex_number, latex_text
from webapp.results.groups import Group
from webapp.results.rows import Points, RunRow
from webapp.results.shares import DataJob, Share
from webapp.results.statistics import MeanCI, mean_ci

ACCURACIES = ("eval_sampled_accuracy", "eval_greedy_accuracy")
"""Metrics that a target can be set for."""
COLUMNS: Mapping[str, str] = {
    "steps": "Steps",
    "samples": "Completions",
    "tokens": "Tokens",
    "seconds": "Training (s)",
    "generation": "Generation, shared (s)",
    "total": "Together (s)",
}
"""What reaching a target costs, in the order of the table."""


@dataclass(frozen=True)
class RunCost:
    """One run on its way to the target."""

    run: RunRow
    spent: Mapping[str, float] | None
    """By the names of COLUMNS, at its first evaluation that reaches the target; None: never."""
    best: float | None
    """The highest value so far; None without evaluations."""
    share: Share


@dataclass(frozen=True)
class CostRow:
    """One compared group."""

    group: Group
    runs: tuple[RunCost, ...]

    @property
    def reached(self) -> int:
        """How many of its runs reach the target."""
        return sum(one.spent is not None for one in self.runs)

    @property
    def best(self) -> float | None:
        """The highest value that one of its runs has had."""
        return max((one.best for one in self.runs if one.best is not None), default=None)

    @property
    def cells(self) -> list[MeanCI | None]:
        """Means over the runs that reach it, in the order of COLUMNS; None where none does."""
        spent = [one.spent for one in self.runs if one.spent is not None]
        return [mean_ci([one[name] for one in spent]) if spent else None for name in COLUMNS]


@dataclass(frozen=True)
class CostTable:
    """The cost of a target for every trained group."""

    metric: Metric
    target: float | None
    """None: nothing is evaluated yet."""
    is_default: bool
    """Nobody has chosen the target."""
    rows: tuple[CostRow, ...]

    @property
    def columns(self) -> list[str]:
        """Headings."""
        return list(COLUMNS.values())

    @property
    def ledger(self) -> "Ledger":
        """What all completions behind these runs cost, and who bears it."""
        costs = [one for row in self.rows for one in row.runs]
        jobs = {job.id: job for one in costs for job in one.share.jobs}
        return Ledger(tuple(jobs.values()), sum(one.share.seconds for one in costs))


@dataclass(frozen=True)
class Ledger:
    """The time of all jobs that made completions, and the part that the shown runs bear."""

    jobs: tuple[DataJob, ...]
    borne: float
    """Seconds."""

    @property
    def seconds(self) -> float:
        """Of all these jobs."""
        return sum(job.seconds or 0.0 for job in self.jobs)

    @property
    def elsewhere(self) -> float:
        """Seconds that trainings bear which are not shown."""
        return max(0.0, self.seconds - self.borne)


def cost_table(found: Comparison) -> CostTable:
    """Return the cost of the chosen target; a query for points, and those of the shares."""
    asked = found.choice.metric
    metric = asked if asked in ACCURACIES else ACCURACIES[0]
    shares = shares_of(found)
    columns = points(found, metric=metric, shares=shares)
    chosen = found.choice.target
    target = default_target(list(columns.values())) if chosen is None else chosen
    rows = tuple(
        CostRow(group, tuple(_run(run, columns, shares, target) for run in _trained(group)))
        for group in found.trained
    )
    declared = next(one for one in EVAL_METRICS if one.name == metric)
    return CostTable(declared, target, chosen is None, rows)


def default_target(curves: Sequence[Points]) -> float | None:
    """Return the middle between where runs begin on average and the best value of any run."""
    known = [one.values[np.isfinite(one.values)] for one in curves]
    known = [values for values in known if values.size]
    if not known:
        return None
    start = float(np.mean([values[0] for values in known]))
    best = max(float(values.max()) for values in known)
    return round((start + best) / 2, 2)


def _trained(group: Group) -> list[RunRow]:
    return [run for run in group.runs if run.train is not None]


def _run(
    run: RunRow, columns: Mapping[int, Points], shares: Mapping[int, Share], target: float | None
) -> RunCost:
    jobs = tuple(job for one in run.trainings if one.id in shares for job in shares[one.id].jobs)
    curve = columns.get(run.train.id) if run.train is not None else None
    if curve is None or target is None:
        return RunCost(run, None, None, Share(jobs))
    finite = np.isfinite(curve.values)
    best = float(curve.values[finite].max()) if finite.any() else None
    there = np.flatnonzero(finite & (curve.values >= target))
    return RunCost(run, _spent(curve, int(there[0])) if there.size else None, best, Share(jobs))


def _spent(curve: Points, place: int) -> dict[str, float]:
    return {
        "steps": float(curve.steps[place]),
        "samples": float(curve.samples[place]),
        "tokens": float(curve.tokens[place]),
        "seconds": float(curve.seconds[place]),
        "generation": float(curve.total[place] - curve.seconds[place]),
        "total": float(curve.total[place]),
    }


def cost_csv(found: Comparison) -> str:
    """Return one row per run: what the target cost it, or the best it had."""
    table = cost_table(found)
    header = ["group", "algorithm", "run", "seed", "job", "metric", "target", "reached", "best"]
    rows = []
    for row in table.rows:
        for one in row.runs:
            run, spent = one.run, one.spent or {}
            job = run.train.id if run.train else ""
            who = (row.group.name, run.algorithm, run.id, run.seed, job, table.metric.name)
            told = (table.target, one.spent is not None, one.best)
            rows.append((*who, *told, *(spent.get(name, "") for name in COLUMNS)))
    return csv_text([*header, *COLUMNS], rows)


def cost_latex(found: Comparison) -> str:
    """Return the means per group as a LaTeX table."""
    table = cost_table(found)
    heads = " & ".join(["Group", "Reached", *map(latex_text, COLUMNS.values())])
    lines = [
        rf"% {table.metric.label} of {table.target}: mean over the runs that reach it, 95% t",
        rf"\begin{{tabular}}{{l{'r' * (len(COLUMNS) + 1)}}}",
        r"\toprule",
        rf"{heads} \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = [latex_number(one, digits=0) if one else "never" for one in row.cells]
        reached = f"{row.reached}/{len(row.runs)}"
        lines.append(" & ".join([latex_text(row.group.name), reached, *cells]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])
