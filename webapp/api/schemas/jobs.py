"""Shapes of jobs and workers."""

from datetime import datetime
from typing import Any

from ninja import Schema

from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Artifact, Job, Worker
from webapp.jobs.selectors import job_eta_s
from webapp.jobs.states import FailureClass


class Progress(Schema):
    """How far a job is."""

    done: int
    total: int
    unit: str
    rate: float | None
    """Units per second."""


class FailureOut(Schema):
    """Why a job failed and what to do."""

    failure_class: str
    message: str
    advice: str
    reference: str


class JobOut(Schema):
    """One unit of work."""

    id: int
    kind: str
    title: str
    state: str
    label: str
    priority: int
    created_by: str | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    stop_requested: bool
    worker: str | None
    progress: Progress
    eta_s: float | None
    failure: FailureOut | None
    summary: dict[str, Any]
    """Final figures; empty until it has succeeded."""


def job_out(job: Job) -> JobOut:
    """Return a job (worker, artifact and creator selected with it) as the API shows it."""
    return JobOut(
        id=job.pk,
        kind=job.kind,
        title=job.title,
        state=job.state,
        label=job.label,
        priority=job.priority,
        created_by=job.created_by.get_username() if job.created_by else None,
        created_at=job.created_at,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        attempt=job.attempt,
        stop_requested=job.stop_requested_at is not None,
        worker=job.worker.name if job.worker else None,
        progress=Progress(
            done=job.progress_done,
            total=job.progress_total,
            unit=job.progress_unit,
            rate=job.progress_rate,
        ),
        eta_s=job_eta_s(job),
        failure=_failure(job),
        summary=summary_of(job),
    )


def _failure(job: Job) -> FailureOut | None:
    if not job.failure_class:
        return None
    return FailureOut(
        failure_class=job.failure_class,
        message=job.failure_message,
        advice=POLICIES[FailureClass(job.failure_class)].advice,
        reference=job.failure_reference,
    )


def summary_of(job: Job) -> dict[str, Any]:
    """Return a job's final figures; empty while it has none."""
    try:
        summary: dict[str, Any] = job.artifact.summary
    except Artifact.DoesNotExist:
        return {}
    return summary


class InputOut(Schema):
    """An artifact that a job reads."""

    role: str
    job_id: int
    checkpoint: int | None = None
    """Updates after which a training kept the policy that is read; empty for the artifact."""
    state: str


class AttemptOut(Schema):
    """One claim of a job."""

    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    message: str


class AlarmOut(Schema):
    """Something that a job found wrong with itself."""

    sentinel: str
    step: int
    text: str
    value: float
    limit: float
    stops: bool
    """Whether it ended the job."""


class JobDetailOut(JobOut):
    """A job with everything that identifies it and what happened to it."""

    spec: dict[str, Any]
    fingerprint: str
    code_version: str
    why: str
    """What it waits for, in words."""
    inputs: list[InputOut]
    dependents: list[int]
    attempts: list[AttemptOut]
    alarms: list[AlarmOut]


class LineOut(Schema):
    """One line of a job's log."""

    id: int
    at: datetime
    attempt: int
    level: str
    text: str


class PointOut(Schema):
    """One value of one metric."""

    id: int
    name: str
    step: int
    samples: int
    tokens: int
    seconds: float
    value: float


class QueueOut(Schema):
    """Unfinished jobs: running, queued in order, waiting for inputs."""

    running: list[JobOut]
    queued: list["WaitingJobOut"]
    waiting: list["WaitingJobOut"]


class WaitingJobOut(Schema):
    """A job that does not run yet, and why."""

    job: JobOut
    why: str


class WorkerOut(Schema):
    """A live worker."""

    id: int
    name: str
    labels: list[str]
    hostname: str
    devices: dict[str, Any]
    started_at: datetime
    heartbeat_at: datetime
    job_id: int | None
    """What it runs now."""


def worker_out(worker: Worker, job_id: int | None) -> WorkerOut:
    """Return a worker as the API shows it."""
    return WorkerOut(
        id=worker.pk,
        name=worker.name,
        labels=worker.labels,
        hostname=worker.hostname,
        devices=worker.devices,
        started_at=worker.started_at,
        heartbeat_at=worker.heartbeat_at,
        job_id=job_id,
    )
