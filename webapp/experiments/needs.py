"""Who needs which job: what a cancelled experiment may stop, and how urgent a shared job is."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Max, Q, QuerySet

from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.experiments.roles import TRAINING
from webapp.jobs.bulk import jobs_set_priorities
from webapp.jobs.models import Job
from webapp.jobs.needs import ancestors
from webapp.jobs.states import ACTIVE
from webapp.jobs.transitions import locked
from webapp.policies.models import Policy

IS_TRAINING = Q(role=TRAINING) | Q(role__startswith=f"{TRAINING}@")
"""Needs of trainings, in whatever round."""


@dataclass(frozen=True)
class KeptJob:
    """A job that goes on although one experiment that needed it was cancelled."""

    job: Job
    needed_by: tuple[str, ...]
    """Names of what needs it."""


@dataclass(frozen=True)
class CancelReport:
    """What cancelling an experiment stopped, and what goes on for others."""

    stopped: tuple[Job, ...]
    kept: tuple[KeptJob, ...]

    @property
    def sentence(self) -> str:
        """The report in words."""
        text = f"{_count(len(self.stopped))} cancelled."
        if not self.kept:
            return text
        names = sorted({name for entry in self.kept for name in entry.needed_by})
        return f"{text} {_count(len(self.kept))} kept for {', '.join(names)}."


def _count(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


def jobs_of(experiment: Experiment) -> QuerySet[Job]:
    """Return every job that the experiment needs, once."""
    return Job.objects.filter(pk__in=experiment.needs.values("job"))


def split_active(experiment: Experiment) -> tuple[list[Job], list[KeptJob]]:
    """Return the active jobs that only this experiment needs, and those that others need too.

    Rows are locked before anybody's needs are looked at: a launch holds the rows of the jobs that
    it wants until it has recorded that it needs them, and one that comes later revives them.
    """
    active = list(locked(jobs_of(experiment).filter(state__in=ACTIVE)))
    names = _needed_elsewhere(experiment, {job.pk for job in active})
    stopped = [job for job in active if job.pk not in names]
    kept = [KeptJob(job, tuple(sorted(names[job.pk]))) for job in active if job.pk in names]
    return stopped, kept


def _needed_elsewhere(experiment: Experiment, job_ids: Collection[int]) -> dict[int, set[str]]:
    """Return names of live experiments, policies and datasets, by the job that they need."""
    live = ExperimentJob.objects.filter(experiment__cancelled_at=None, job__in=job_ids)
    others = live.exclude(experiment=experiment).values_list("job_id", "experiment__name")
    names: dict[int, set[str]] = {}
    for job_id, name in others:
        names.setdefault(job_id, set()).add(f"“{name}”")
    made = experiment.needs.filter(run=None).values("job")
    policies = Policy.objects.filter(Q(job__in=made) | Q(job__in=job_ids))
    datasets = Dataset.objects.filter(Q(job__in=made) | Q(job__in=job_ids))
    for word, rows in (("policy", policies), ("dataset", datasets)):
        for job_id, name in rows.values_list("job_id", "name"):
            for needed in ancestors([job_id]) & set(job_ids):
                names.setdefault(needed, set()).add(f"the {word} “{name}”")
    return names


def refresh_priorities(job_ids: Collection[int]) -> None:
    """Give active jobs the highest priority of the live experiments that need them."""
    live = ExperimentJob.objects.filter(
        experiment__cancelled_at=None, job__in=job_ids, job__state__in=ACTIVE
    )
    wanted = dict(live.values_list("job_id").annotate(Max("experiment__priority")))
    # An experiment needs everything that its jobs are made from: nothing more is to be raised.
    jobs_set_priorities(priorities=wanted)


def trainings_elsewhere(experiment: Experiment) -> QuerySet[ExperimentJob, int]:
    """Return ids of jobs that runs of other experiments train as well."""
    others = ExperimentJob.objects.filter(IS_TRAINING).exclude(experiment=experiment)
    return others.values_list("job_id", flat=True)
