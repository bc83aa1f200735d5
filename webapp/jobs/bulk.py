"""Many jobs at once, in a few statements: what an experiment of hundreds of runs asks for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models.functions import Now

from webapp.jobs.models import Job
from webapp.jobs.states import ACTIVE, JobState
from webapp.jobs.transitions import locked
from webapp.live import announce_all


@transaction.atomic
def jobs_cancel(*, jobs: Sequence[Job]) -> None:
    """Cancel jobs: at once those that wait, through their workers those that run.

    Jobs that have ended stay as they are. Who asks was checked by the caller.
    """
    found = list(locked(Job.objects.filter(pk__in=[job.pk for job in jobs], state__in=ACTIVE)))
    running = [job.pk for job in found if job.state == JobState.RUNNING]
    waiting = [job.pk for job in found if job.state != JobState.RUNNING]
    Job.objects.filter(pk__in=waiting).update(
        state=JobState.CANCELLED,
        finished_at=Now(),
        failure_message="Cancelled before it ran.",
    )
    Job.objects.filter(pk__in=running, stop_requested_at=None).update(stop_requested_at=Now())
    announce_all([job.pk for job in found], "state")


@transaction.atomic
def jobs_set_priorities(*, priorities: Mapping[int, int]) -> None:
    """Give unfinished jobs these priorities, by id; what they need is not looked at.

    Who asks was checked by the caller.
    """
    changed: dict[int, list[int]] = defaultdict(list)
    for job in locked(Job.objects.filter(pk__in=priorities, state__in=ACTIVE)):
        if job.priority != priorities[job.pk]:
            changed[priorities[job.pk]].append(job.pk)
    for priority, job_ids in changed.items():
        Job.objects.filter(pk__in=job_ids).update(priority=priority)
    announce_all([job_id for job_ids in changed.values() for job_id in job_ids], "state")
