"""What the compare page, its figures and its exports show for one choice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.urls import reverse

from algorithms.base import Metric
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, OUTCOME_METRICS
from algorithms.shared.online_metrics import ONLINE_GROUP
from algorithms.shared.train_metrics import TRAIN_GROUPS
from webapp.results import comparison, selectors
from webapp.results.choice import Choice
from webapp.results.comparison import FinalTable
from webapp.results.groups import ConfigDifference, Group, config_differences, group_runs
from webapp.results.rows import Points, RunRow, joined, totals_of
from webapp.results.shares import Share, generation_shares


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
