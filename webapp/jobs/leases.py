"""What workers may do with a job: claim it, keep it, write as its attempt, end it.

Every time is the database's. The attempt number fences every write: once another attempt was
claimed, or the job ended, `fenced` refuses.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from webapp.jobs.announcements import announce_queued
from webapp.jobs.failures import Failure
from webapp.jobs.models import Artifact, Attempt, Job, Worker
from webapp.jobs.states import JobState
from webapp.jobs.store import StoredArtifact
from webapp.jobs.transitions import (
    back_to_queue,
    cancel,
    end_attempt,
    fail,
    move,
    release_dependents,
)
from webapp.live import announce


class LeaseLost(Exception):  # noqa: N818 - not an error: the database's answer to an old attempt
    """The attempt is not the current one of a running job; nothing was written."""


@dataclass(frozen=True)
class Claim:
    """A job that this worker holds."""

    job_id: int
    attempt: int
    kind: str


@dataclass(frozen=True)
class LeaseStatus:
    """Whether the attempt still holds the job, and whether a person asked it to stop."""

    held: bool
    stop_requested: bool


CLAIM = """
UPDATE jobs_job SET
    state = 'running', attempt = attempt + 1, attempts_used = attempts_used + 1,
    worker_id = %(worker)s, lease_expires_at = now() + make_interval(secs => %(lease_s)s),
    started_at = now(), finished_at = NULL, not_before = NULL, stop_requested_at = NULL,
    progress_done = 0, progress_total = 0, progress_unit = '', progress_rate = NULL,
    progress_at = NULL, failure_class = '', failure_message = '', failure_detail = '',
    failure_reference = ''
WHERE id = (
    SELECT id FROM jobs_job
    WHERE state = 'queued' AND label = ANY(%(labels)s)
        AND (not_before IS NULL OR not_before <= now())
    ORDER BY priority DESC, id
    FOR NO KEY UPDATE SKIP LOCKED
    LIMIT 1
)
RETURNING id, attempt, kind
"""


def claim(*, worker: Worker, labels: Sequence[str]) -> Claim | None:
    """Return the best queued job of these labels, now running with a new attempt; or None."""
    arguments = {"worker": worker.pk, "lease_s": settings.LAB_LEASE_S, "labels": list(labels)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, arguments)
            row = cursor.fetchone()
        if row is None:
            return None
        claimed = Claim(*row)
        Attempt.objects.create(
            job_id=claimed.job_id, number=claimed.attempt, worker_name=worker.name
        )
        announce(claimed.job_id, "state")
    return claimed


def renew(*, job_id: int, attempt: int) -> LeaseStatus:
    """Extend the lease by its full length from now; say whether it was still held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET lease_expires_at = now() + make_interval(secs => %s)"
            " WHERE id = %s AND attempt = %s AND state = 'running'"
            " RETURNING stop_requested_at IS NOT NULL",
            [settings.LAB_LEASE_S, job_id, attempt],
        )
        row = cursor.fetchone()
    return LeaseStatus(held=row is not None, stop_requested=bool(row and row[0]))


def lease_status(*, job_id: int, attempt: int) -> LeaseStatus:
    """Say whether the lease is held and a stop is wanted, without extending it."""
    row = Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.RUNNING)
    stop = row.values_list("stop_requested_at", flat=True)[:1]
    held = list(stop)
    return LeaseStatus(held=bool(held), stop_requested=bool(held and held[0]))


@contextmanager
def fenced(job_id: int, attempt: int) -> Iterator[Job]:
    """Give the locked job inside a transaction, if this attempt is its current, running one.

    Raises:
        LeaseLost: Another attempt was claimed, or the job ended.
    """
    with transaction.atomic():
        row = Job.objects.select_for_update(no_key=True).filter(
            pk=job_id, attempt=attempt, state=JobState.RUNNING
        )
        job = row.first()
        if job is None:
            raise LeaseLost(f"attempt {attempt} no longer holds job {job_id}")
        yield job


def finish_success(
    *, job_id: int, attempt: int, stored: StoredArtifact, summary: Mapping[str, float | int | str]
) -> None:
    """Record the artifact, end the job, and queue what waited for it: one transaction.

    Repeating it after an answer that never arrived does nothing.

    Raises:
        LeaseLost: The attempt no longer holds the job; the artifact is not recorded.
    """
    if Artifact.objects.filter(job_id=job_id, attempt=attempt, path=stored.path).exists():
        return
    with fenced(job_id, attempt) as job:
        Artifact.objects.create(
            job=job,
            path=stored.path,
            size_bytes=stored.size_bytes,
            manifest_sha256=stored.manifest_sha256,
            summary=summary,
            attempt=attempt,
        )
        move(
            job,
            JobState.SUCCEEDED,
            finished_at=Now(),
            lease_expires_at=None,
            stop_requested_at=None,
        )
        end_attempt(job, JobState.SUCCEEDED)
        announce_queued(release_dependents(job))


def finish_failure(*, job_id: int, attempt: int, failure: Failure) -> JobState:
    """End the attempt with a failure; return the state: queued to try again, failed or cancelled.

    Raises:
        LeaseLost: The attempt no longer holds the job.
    """
    with fenced(job_id, attempt) as job:
        return fail(job, failure)


def finish_cancelled(*, job_id: int, attempt: int) -> JobState:
    """End the attempt because a person asked; return the state.

    Somebody may have asked for the job again after the stop: then it goes back to the queue.

    Raises:
        LeaseLost: The attempt no longer holds the job.
    """
    with fenced(job_id, attempt) as job:
        if job.stop_requested_at:
            cancel(job)
        else:
            back_to_queue(job, counts=False)
            end_attempt(job, JobState(job.state))
            announce_queued([job])
        return JobState(job.state)


def requeue(*, job_id: int, attempt: int, reason: str) -> JobState:
    """Give the job back because the worker stops; the attempt is not counted. Return the state.

    Raises:
        LeaseLost: The attempt no longer holds the job.
    """
    with fenced(job_id, attempt) as job:
        if job.stop_requested_at:
            cancel(job)
            return JobState.CANCELLED
        back_to_queue(job, counts=False)
        end_attempt(job, JobState(job.state))
        Attempt.objects.filter(job=job, number=attempt).update(message=reason)
        announce_queued([job])
        return JobState(job.state)
