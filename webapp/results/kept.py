"""Final figures along a training: of the policies that it kept, all on the same problems."""

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
from django.urls import reverse

from webapp.experiments.roles import parse
from webapp.results import selectors
from webapp.results.compare import Comparison
from webapp.results.comparison import OUTCOMES
from webapp.results.curves import XAxis, band
from webapp.results.exports import csv_text
from webapp.results.figures import learning_curve
from webapp.results.figures.learning_curve import CurveGroup, Look, SeedCurve
from webapp.results.groups import Group
from webapp.results.iterations import policy_evaluations
from webapp.results.rows import Cost, JobRow, RunRow, curve_of, totals_of

NOTHING = Cost(0, 0, 0.0)


@dataclass(frozen=True)
class KeptEvaluation:
    """The evaluation of one policy on the way of a run."""

    run: RunRow
    step: int
    """Updates done."""
    cost: Cost
    job: JobRow

    def figure(self, outcome: str) -> float | None:
        """Return one of its figures; None until there is one."""
        value = self.job.artifact.summary.get(outcome) if self.job.artifact else None
        return float(value) if isinstance(value, int | float) else None


def keeps(run: RunRow) -> bool:
    """Return whether policies kept by a run of one round are evaluated."""
    return not run.rounds and any(parse(role).step is not None for role in run.config)


def kept_evaluations(found: Comparison) -> dict[int, list[KeptEvaluation]]:
    """Return evaluations by run, in the order of steps; 3 queries, none without kept policies."""
    runs = {run.id: run for run in found.runs if keeps(run)}
    if not runs:
        return {}
    first = policy_evaluations(found)
    jobs = selectors.kept_evaluations(runs)
    steps = {step for own in jobs.values() for step in own}
    costs = selectors.costs([run.train.id for run in runs.values() if run.train], steps)
    return {
        pk: sorted(_of_run(run, jobs.get(pk, {}), costs, first), key=lambda one: one.step)
        for pk, run in runs.items()
    }


def _of_run(
    run: RunRow,
    kept: Mapping[int, JobRow],
    costs: Mapping[tuple[int, int], Cost],
    first: Mapping[int, JobRow],
) -> list[KeptEvaluation]:
    if run.train is None:
        return []
    made = [
        KeptEvaluation(run, step, cost, job)
        for step, job in kept.items()
        if (cost := costs.get((run.train.id, step))) is not None
    ]
    start = first.get(run.sources["policy"].job_id) if "policy" in run.sources else None
    if start is not None:
        made.append(KeptEvaluation(run, 0, NOTHING, start))
    if run.evaluate is not None and run.train.artifact is not None:
        whole = totals_of(run.train.artifact)
        cost = Cost(int(whole.samples), int(whole.tokens), whole.seconds)
        made.append(KeptEvaluation(run, int(whole.steps), cost, run.evaluate))
    return made


def kept_figure(found: Comparison) -> go.Figure:
    """Return the chosen outcome of kept policies, with its mean and band over seeds."""
    choice, by_run = found.choice, kept_evaluations(found)
    groups = [_curves(group, by_run, choice.axis, choice.outcome) for group in found.groups]
    look = Look(choice.axis, choice.band)
    drawn = [group for group in groups if group.seeds]
    return learning_curve.draw(drawn, OUTCOMES[choice.outcome], look)


def _curves(
    group: Group, by_run: Mapping[int, list[KeptEvaluation]], axis: XAxis, outcome: str
) -> CurveGroup:
    seeds = []
    for run in group.runs:
        told = [
            (one.step, one.cost, value)
            for one in by_run.get(run.id, ())
            if (value := one.figure(outcome)) is not None
        ]
        if told and run.train is not None:
            url = reverse("jobs:detail", args=[run.train.id])
            seeds.append(SeedCurve(curve_of(run.seed, told, axis), url))
    curves = band([seed.curve for seed in seeds])
    return CurveGroup(group.name, group.algorithm, group.variant, tuple(seeds), curves)


def kept_csv(found: Comparison) -> str:
    """Return every figure of every kept policy, with what it had cost and the job that said it."""
    header = (
        "group", "algorithm", "run", "seed", "step", "samples", "tokens", "seconds", *OUTCOMES,
        "job",
    )  # fmt: skip
    by_run = kept_evaluations(found)
    rows = [
        (
            *(group.name, group.algorithm, run.id, run.seed),
            *(one.step, one.cost.samples, one.cost.tokens, one.cost.seconds),
            *(one.figure(name) for name in OUTCOMES),
            one.job.id,
        )
        for group in found.groups
        for run in group.runs
        for one in by_run.get(run.id, ())
    ]
    return csv_text(header, rows)
