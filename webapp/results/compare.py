"""What the compare page, its figures and its exports show for one choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go
from django.urls import reverse

from algorithms.base import Metric
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, OUTCOME_METRICS
from algorithms.shared.online_metrics import ONLINE_GROUP
from algorithms.shared.train_metrics import TRAIN_GROUPS
from webapp.jobs.events import events_by_job
from webapp.jobs.models import JobEvent
from webapp.results import comparison, selectors
from webapp.results.choice import Choice
from webapp.results.comparison import FinalTable, value_of
from webapp.results.curves import XAxis, band
from webapp.results.figures import final_dots, learning_curve, outcome_shares
from webapp.results.figures.learning_curve import CurveGroup, Level, Look, Mark, SeedCurve
from webapp.results.groups import ConfigDifference, Group, config_differences, group_runs
from webapp.results.rows import Points, RunRow, joined, totals_of
from webapp.results.shares import Share, generation_shares

EVAL_TO_OUTCOME = {
    "eval_greedy_accuracy": "greedy_accuracy",
    "eval_sampled_accuracy": "pass_at_1",
    "eval_invalid_share": "invalid_share",
    "eval_tokens_mean": "tokens_mean",
}
"""The final figure that a metric during training estimates."""


@dataclass(frozen=True)
class MetricFamily:
    """Metrics that belong together in the selector."""

    title: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Comparison:
    """Chosen runs, grouped."""

    choice: Choice
    runs: tuple[RunRow, ...]
    groups: tuple[Group, ...]

    @property
    def trained(self) -> list[Group]:
        """Groups that have a learning curve."""
        return [group for group in self.groups if any(run.train for run in group.runs)]

    @property
    def reference(self) -> Group | None:
        """The group that holds the chosen reference run, else the base policy, else the first."""
        chosen = self.choice.reference
        for group in self.groups:
            if chosen is not None and any(run.id == chosen for run in group.runs):
                return group
        return comparison.default_reference(self.groups)

    @property
    def is_live(self) -> bool:
        """Whether numbers may still change by themselves."""
        return any(run.is_active for run in self.runs)

    @property
    def missing(self) -> int:
        """How many chosen runs do not exist any more."""
        return len(set(self.choice.runs) - {run.id for run in self.runs})


def families() -> tuple[MetricFamily, ...]:
    """Return every declared metric of trainings, evaluations first."""
    own = [
        MetricFamily(algorithm.title, tuple(algorithm.metrics))
        for algorithm in ALGORITHMS.values()
        if algorithm.metrics
    ]
    return (
        MetricFamily("Evaluation on held-out problems", EVAL_METRICS),
        *(
            MetricFamily(title, metrics)
            for title, metrics in {**TRAIN_GROUPS, **ONLINE_GROUP}.items()
        ),
        *own,
    )


def metric_names() -> list[str]:
    """Return the names that the metric selector knows."""
    return [metric.name for family in families() for metric in family.metrics]


def outcome_names() -> list[str]:
    """Return the final figures that differences can be of."""
    return [metric.name for metric in OUTCOME_METRICS]


def load(choice: Choice) -> Comparison:
    """Return the chosen runs in their groups; 3 queries, none without runs."""
    runs = tuple(selectors.run_rows(choice.runs, choice.benchmark)) if choice.runs else ()
    found = Comparison(choice, runs, tuple(group_runs(runs, choice.group)))
    if choice.reference is None or found.reference != comparison.default_reference(found.groups):
        return found
    # The same page under a shorter address.
    return replace(found, choice=replace(choice, reference=None))


def table(found: Comparison) -> FinalTable:
    """Return the final table; reads outcomes, no query."""
    return comparison.final_table(found.groups, found.choice.outcome, found.reference)


def differing_settings(found: Comparison) -> list[ConfigDifference]:
    """Return the settings in which the trained groups differ."""
    return config_differences(found.trained)


def points(
    found: Comparison, *, metric: str = "", shares: Mapping[int, Share] | None = None
) -> dict[int, Points]:
    """Return a metric by a run's last training job, rounds joined; 1 query.

    Args:
        metric: another one than the chosen.
        shares: what trainings bear of making their completions, where that is wanted too.
    """
    jobs = {job.id for run in found.runs for job in run.trainings}
    by_job = selectors.metric_points(jobs, metric or found.choice.metric) if jobs else {}
    return {
        run.train.id: curve
        for run in found.runs
        if run.train is not None and (curve := _whole_curve(run, by_job, shares)) is not None
    }


def shares_of(found: Comparison) -> dict[int, Share]:
    """Return what each chosen training bears of making its completions; a few queries."""
    return generation_shares({job.id for run in found.runs for job in run.trainings})


def _whole_curve(
    run: RunRow, by_job: Mapping[int, Points], shares: Mapping[int, Share] | None
) -> Points | None:
    """Return the points of a run's rounds, as far as they follow each other without a gap."""
    rounds, totals = [], []
    for job in run.trainings:
        if job.id not in by_job:
            break
        rounds.append(by_job[job.id])
        if job.artifact is None:
            break
        totals.append(totals_of(job.artifact))
    if not rounds:
        return None
    borne = [shares[job.id].seconds for job in run.trainings[: len(rounds)]] if shares else None
    return joined(rounds, totals[: len(rounds) - 1], borne)


def job_url(job_id: int) -> str:
    """Return the address of the job that made a number."""
    return reverse("jobs:detail", args=[job_id])


def curves_figure(found: Comparison, metric: Metric) -> go.Figure:
    """Return the learning curves; 1 query."""
    choice = found.choice
    shares = shares_of(found) if choice.axis is XAxis.TOTAL else None
    columns = points(found, shares=shares)
    events = events_by_job([run.train.id for run in found.runs if run.train is not None])
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
            _marks(run, columns[run.train.id], events.get(run.train.id, ()), choice),
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
    run: RunRow, points: Points, events: Sequence[JobEvent], choice: Choice
) -> tuple[Mark, ...]:
    """Return the alarms of a run's last training on its curve; of several rounds, after them."""
    before = sum(
        totals_of(job.artifact).steps for job in run.trainings[:-1] if job.artifact is not None
    )
    return tuple(
        Mark(
            points.place(before + event.step, choice.axis),
            f"{event.title} at step {event.step:,}" + (": ended there" if event.stops else ""),
        )
        for event in events
    )


def _levels(found: Comparison) -> list[Level]:
    outcome = EVAL_TO_OUTCOME.get(found.choice.metric)
    if outcome is None:
        return []
    return [
        Level(group.name, value, job_url(run.evaluate.id))
        for group in found.groups
        for run in group.runs
        if group.is_base
        and run.evaluate is not None
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
