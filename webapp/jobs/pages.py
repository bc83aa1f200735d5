"""What the pages of the build graph show, read in a fixed number of queries."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from webapp.jobs import selectors
from webapp.jobs.events import SHOWN, events_of
from webapp.jobs.failures import POLICIES
from webapp.jobs.first_batch import has_first_batch
from webapp.jobs.lags import has_lags
from webapp.jobs.models import Attempt, Job, JobEvent, JobInput, LogLine, Worker
from webapp.jobs.ratios import has_ratios
from webapp.jobs.states import ACTIVE, FailureClass, JobState

CONTROL_RESULTS = frozenset(
    {
        "train_behaviour", "train_control", "train_score", "train_inverse_dynamics",
        "evaluate_control",
    }
)  # fmt: skip
"""Kinds of jobs with curves of policies and networks for control, or episodes."""
LOG_TAIL = 400
"""Lines of log shown at first; the whole log is a download away."""


@dataclass(frozen=True)
class WorkerRow:
    """A live worker and what it does."""

    worker: Worker
    job: Job | None


@dataclass(frozen=True)
class JobRow:
    """A job of a list, with what a person wants to know about it."""

    job: Job
    eta_s: float | None
    why: str


@dataclass(frozen=True)
class QueuePage:
    """Live workers, running jobs, queued jobs in order, and jobs that wait for inputs."""

    workers: Sequence[WorkerRow]
    running: Sequence[JobRow]
    queued: Sequence[JobRow]
    waiting: Sequence[JobRow]
    recent: Sequence[Job]
    unserved: Sequence[str]
    """Labels that jobs ask for and no live worker serves."""


def queue_page() -> QueuePage:
    """Return what the page of workers and queue shows."""
    snapshot = selectors.queue()
    running = {job.worker_id: job for job in snapshot.running}
    served = {label for worker in snapshot.workers for label in worker.labels}
    asked = {job.label for job in (*snapshot.queued, *snapshot.waiting)}
    return QueuePage(
        workers=[WorkerRow(worker, running.get(worker.pk)) for worker in snapshot.workers],
        running=[JobRow(job, selectors.job_eta_s(job), "") for job in snapshot.running],
        queued=[JobRow(job, None, snapshot.why(job)) for job in snapshot.queued],
        waiting=[JobRow(job, None, snapshot.why(job)) for job in snapshot.waiting],
        recent=snapshot.recent,
        unserved=sorted(asked - served),
    )


@dataclass(frozen=True)
class JobPage:
    """Everything about one job."""

    job: Job
    why: str
    eta_s: float | None
    advice: str
    spec: str
    """The spec as indented JSON."""
    inputs: Sequence[JobInput]
    dependents: Sequence[JobInput]
    attempts: Sequence[Attempt]
    summary: Sequence[tuple[str, float | int | str]]
    events: Sequence[JobEvent]
    """What its sentinels raised, the first ones."""
    log_lines: Sequence[LogLine]
    log_cut: bool
    """Whether earlier lines are not shown."""
    has_control_results: bool
    """Whether there are curves or episodes of the control laboratory to show."""
    has_ratios: bool
    """Whether there are importance ratios to draw."""
    has_lags: bool
    """Whether there are ages of completions to draw."""
    has_first_batch: bool
    """Whether there is a first batch to show."""

    @property
    def can_cancel(self) -> bool:
        """Whether there is something to stop."""
        return self.job.state in ACTIVE and not self.job.stop_requested_at

    @property
    def can_retry(self) -> bool:
        """Whether it ended without an artifact."""
        return self.job.state in {JobState.FAILED, JobState.CANCELLED}


def job_page(job: Job) -> JobPage:
    """Return what the page of one job shows."""
    artifact = getattr(job, "artifact", None)
    tail = list(job.log_lines.order_by("-id")[: LOG_TAIL + 1])
    return JobPage(
        job=job,
        why=selectors.why_waiting(job) if job.state in ACTIVE else "",
        eta_s=selectors.job_eta_s(job),
        advice=POLICIES[FailureClass(job.failure_class)].advice if job.failure_class else "",
        spec=json.dumps(job.spec, indent=2, ensure_ascii=False),
        inputs=list(job.inputs.select_related("source").order_by("role")),
        dependents=list(job.dependents.select_related("job").order_by("job_id")),
        attempts=list(job.attempts.order_by("-number")),
        summary=sorted(artifact.summary.items()) if artifact else [],
        events=list(events_of(Q(job=job))[:SHOWN]),
        log_lines=tail[LOG_TAIL - 1 :: -1] if len(tail) > LOG_TAIL else tail[::-1],
        log_cut=len(tail) > LOG_TAIL,
        has_control_results=job.kind in CONTROL_RESULTS,
        has_ratios=has_ratios(job),
        has_lags=has_lags(job),
        has_first_batch=has_first_batch(job),
    )


def log_page(job: Job, after_id: int) -> Sequence[LogLine]:
    """Return the lines after one, oldest first."""
    return list(selectors.log_lines(job, after_id=after_id))
