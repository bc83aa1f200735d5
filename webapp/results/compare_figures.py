"""The figures of the compare page: learning curves, final values, shares of outcomes."""

from collections.abc import Mapping, Sequence
from math import inf

import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.jobs.events import events_by_job
from webapp.jobs.models import JobEvent
from webapp.results import comparison
from webapp.results.choice import Choice
from webapp.results.compare import Comparison, job_url, points, shares_of, table
from webapp.results.comparison import value_of
from webapp.results.curves import XAxis, band
from webapp.results.figures import final_dots, learning_curve, outcome_shares
from webapp.results.figures.learning_curve import CurveGroup, Level, Look, Mark, SeedCurve
from webapp.results.groups import Group
from webapp.results.rows import JobRow, Points, RunRow, totals_of

EVAL_TO_OUTCOME = {
    "eval_greedy_accuracy": "greedy_accuracy",
    "eval_sampled_accuracy": "pass_at_1",
    "eval_invalid_share": "invalid_share",
    "eval_tokens_mean": "tokens_mean",
}
"""The final figure that a metric during training estimates."""
_OF_VERIFIERS = {
    "eval_sampled_accuracy": "verdict_accuracy",
    "eval_invalid_share": "verdict_invalid_share",
}
"""The same of verifiers: they are trained, and evaluated on the way, on verdicts."""


def final_outcome(metric: str, job: JobRow) -> str | None:
    """Return the figure of a final evaluation that a metric of trainings is comparable to."""
    return (_OF_VERIFIERS if job.kind == "weigh" else EVAL_TO_OUTCOME).get(metric)


def curves_figure(found: Comparison, metric: Metric) -> go.Figure:
    """Return the learning curves; 1 query."""
    choice = found.choice
    shares = shares_of(found) if choice.axis is XAxis.TOTAL else None
    columns = points(found, shares=shares)
    events = events_by_job([job.id for run in found.runs for job in run.trainings])
    groups = [_curve_group(group, columns, events, choice) for group in found.trained]
    look = Look(choice.axis, choice.band, choice.log_y, choice.smoothing)
    return learning_curve.draw(
        groups, metric, look, levels=_levels(found), notes=[metric.help, *_notes(found, columns)]
    )


def _curve_group(
    group: Group,
    columns: Mapping[int, Points],
    events: Mapping[int, Sequence[JobEvent]],
    choice: Choice,
) -> CurveGroup:
    seeds = tuple(
        SeedCurve(
            columns[run.train.id].curve(run.seed, choice.axis),
            job_url(run.train.id),
            _marks(run, columns[run.train.id], events, choice),
        )
        for run in group.runs
        if run.train is not None and run.train.id in columns
    )
    return CurveGroup(
        name=group.name,
        algorithm=group.algorithm,
        variant=group.variant,
        seeds=seeds,
        band=band([seed.curve for seed in seeds], smoothing=choice.smoothing),
    )


def _marks(
    run: RunRow, points: Points, events: Mapping[int, Sequence[JobEvent]], choice: Choice
) -> tuple[Mark, ...]:
    """Return the alarms of a run's trainings on its curve, of every round at its place."""
    marks: list[Mark] = []
    before = 0.0
    for number, job in enumerate(run.trainings, start=1):
        took = inf if job.artifact is None else totals_of(job.artifact).steps
        # Behind its last step the next round begins; one that went back ends before its alarm.
        last = took - 1 if number < len(run.trainings) else took
        where = f", iteration {number}" if run.rounds else ""
        marks += [
            Mark(
                points.place(before + min(event.step, last), choice.axis),
                f"{event.title} at step {event.step:,}{where}"
                + (": ended there" if event.stops else ""),
                job_url(job.id),
            )
            for event in events.get(job.id, ())
        ]
        before += took
        if job.artifact is None:
            break
    return tuple(marks)


def _levels(found: Comparison) -> list[Level]:
    return [
        Level(group.name, value, job_url(run.evaluate.id))
        for group in found.groups
        for run in group.runs
        if group.is_base
        and run.evaluate is not None
        and (outcome := final_outcome(found.choice.metric, run.evaluate)) is not None
        and (value := value_of(run, outcome)) is not None
    ]


def _notes(found: Comparison, columns: dict[int, Points]) -> list[str]:
    notes = []
    silent = [
        group.name
        for group in found.trained
        if not any(run.train is not None and run.train.id in columns for run in group.runs)
    ]
    if silent and len(silent) < len(found.trained):
        notes.append(f"No points of this metric yet: {', '.join(silent)}.")
    shared = sum(group.shared for group in found.groups)
    if shared:
        notes.append(f"{shared} runs are shared between experiments and counted once.")
    if found.choice.axis is XAxis.TOTAL:
        notes.append(
            "The time in which completions were made is shared equally by all trainings of this "
            "installation that read them; each curve starts with its share."
        )
    if found.choice.axis in {XAxis.SECONDS, XAxis.TOTAL}:
        notes.append("Times compare only runs of the same hardware.")
    return notes


def dots_figure(found: Comparison) -> go.Figure:
    """Return the final values of the chosen outcome; no query."""
    outcome = found.choice.outcome
    rows = []
    for row in table(found).rows:
        if outcome in row.figures:
            runs = _evaluated(row.group.runs, outcome)
            rows.append(
                final_dots.FinalDots(
                    name=row.group.name,
                    algorithm=row.group.algorithm,
                    variant=row.group.variant,
                    values=tuple(value for value, _ in runs),
                    urls=tuple(url for _, url in runs),
                    interval=row.figures[outcome],
                )
            )
    return final_dots.draw(rows, comparison.OUTCOMES[outcome])


def _evaluated(runs: Sequence[RunRow], outcome: str) -> list[tuple[float, str]]:
    return [
        (value, job_url(run.evaluate.id))
        for run in runs
        if run.evaluate is not None and (value := value_of(run, outcome)) is not None
    ]


def shares_figure(found: Comparison) -> go.Figure:
    """Return what became of the sampled completions, per group; no query."""
    rows = []
    for group in found.groups:
        summaries = [
            run.summary for run in group.runs if {"pass_at_1", "invalid_share"} <= set(run.summary)
        ]
        if summaries:
            correct = sum(float(one["pass_at_1"]) for one in summaries) / len(summaries)
            invalid = sum(float(one["invalid_share"]) for one in summaries) / len(summaries)
            completions = sum(
                int(one.get("problems", 0)) * int(one.get("samples", 0)) for one in summaries
            )
            rows.append(
                outcome_shares.OutcomeShares(
                    group.name, correct, max(0.0, 1 - correct - invalid), invalid, completions
                )
            )
    return outcome_shares.draw(rows)
