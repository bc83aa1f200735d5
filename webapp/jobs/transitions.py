"""Moving locked jobs from state to state: shared by people's services, workers' leases, the sweep.

Rows are locked in ascending id; a job's inputs were created before it, so that is also the order
inputs before dependents, and two transactions never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from webapp.jobs.failures import Failure
from webapp.jobs.models import Attempt, Job, JobInput
from webapp.jobs.states import JobState
from webapp.live import announce


def locked(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Return the query with row locks, in the order that all transactions share."""
    return jobs.order_by("id").select_for_update(no_key=True, of=("self",))


def with_missing_input() -> Exists:
    """Return the condition that some input of a job has no artifact."""
    missing = JobInput.objects.filter(job=OuterRef("pk")).exclude(source__state=JobState.SUCCEEDED)
    return Exists(missing)


def is_ready(job: Job) -> bool:
    """Whether every input has its artifact, as committed now (one new statement)."""
    return not Job.objects.filter(with_missing_input(), pk=job.pk).exists()


def move(job: Job, state: JobState, **changes: Any) -> None:
    """Write a new state and other fields of a locked job, and tell open pages."""
    Job.objects.filter(pk=job.pk).update(state=state, **changes)
    job.refresh_from_db()
    announce(job.pk, "state")


CLEARED: Mapping[str, Any] = {
    "failure_class": "",
    "failure_message": "",
    "failure_detail": "",
    "failure_reference": "",
    "stop_requested_at": None,
    "finished_at": None,
    "not_before": None,
}


def revive(job: Job) -> None:
    """Give a finished or blocked job a fresh budget and let it wait or queue."""
    state = JobState.QUEUED if is_ready(job) else JobState.WAITING
    queued_at = Now() if state == JobState.QUEUED else None
    progress = {"progress_done": 0, "progress_total": 0, "progress_rate": None}
    move(job, state, queued_at=queued_at, attempts_used=0, **CLEARED, **progress)


def release(jobs: Iterable[Job]) -> list[Job]:
    """Queue those of these locked waiting jobs whose inputs are all there; return them."""
    waiting = {job.pk: job for job in jobs}
    ready = Job.objects.filter(~with_missing_input(), pk__in=waiting).order_by("id")
    released = [waiting[pk] for pk in ready.values_list("id", flat=True)]
    for job in released:
        move(job, JobState.QUEUED, queued_at=Now())
    return released


def release_dependents(job: Job) -> list[Job]:
    """Queue what waited for this job only.

    The dependents are locked before their inputs are looked at: of two inputs that finish at once,
    the second sees the first one committed.
    """
    waiting = Job.objects.filter(state=JobState.WAITING, inputs__source=job)
    ids = list(waiting.values_list("id", flat=True).distinct())
    return release(locked(Job.objects.filter(id__in=ids, state=JobState.WAITING)))


def end_attempt(job: Job, outcome: JobState, failure: Failure | None = None) -> None:
    """Close the attempt's record with the state that it led to."""
    told = {"failure_class": failure.failure_class, "message": failure.message} if failure else {}
    Attempt.objects.filter(job=job, number=job.attempt, ended_at=None).update(
        ended_at=Now(), outcome=outcome, **told
    )


def cancel(job: Job, message: str = "") -> None:
    """End a locked job as cancelled."""
    move(job, JobState.CANCELLED, finished_at=Now(), lease_expires_at=None, failure_message=message)
    end_attempt(job, JobState.CANCELLED)


def back_to_queue(
    job: Job,
    *,
    delay: timedelta = timedelta(0),
    counts: bool = True,
    failure: Failure | None = None,
) -> None:
    """Give up a running attempt; the job keeps its place in the queue.

    Args:
        delay: Not claimed again before.
        counts: False returns the attempt to the job's budget.
        failure: Shown until the next attempt.
    """
    state = JobState.QUEUED if is_ready(job) else JobState.WAITING
    used = job.attempts_used if counts else max(job.attempts_used - 1, 0)
    ended = {"lease_expires_at": None, "stop_requested_at": None, "progress_rate": None}
    move(job, state, not_before=Now() + delay, attempts_used=used, **ended, **_told(failure))


def _told(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {}
    return {
        "failure_class": failure.failure_class,
        "failure_message": failure.message,
        "failure_detail": failure.detail,
        "failure_reference": failure.reference,
    }


def fail(job: Job, failure: Failure) -> JobState:
    """End a locked running attempt: try again later if that can help, otherwise fail.

    A job that somebody wanted stopped is cancelled instead.
    """
    if job.stop_requested_at:
        cancel(job, failure.message)
    elif job.attempts_used < min(job.max_attempts, failure.policy.attempts):
        back_to_queue(job, delay=failure.retry_delay(job.attempts_used), failure=failure)
    else:
        move(job, JobState.FAILED, finished_at=Now(), lease_expires_at=None, **_told(failure))
    end_attempt(job, JobState(job.state), failure)
    return JobState(job.state)
