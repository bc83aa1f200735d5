"""What is known of jobs: the queue and why each waits, live workers, points, lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp.jobs.models import QUEUE_ORDER, Job, JobInput, LogLine, MetricPoint, Worker
from webapp.jobs.states import FINISHED, JobState

RECENT = 20
"""Jobs that ended last."""


@dataclass(frozen=True)
class Queue:
    """Workers and unfinished jobs at one moment, and why each job waits."""

    at: datetime
    workers: Sequence[Worker]
    running: Sequence[Job]
    queued: Sequence[Job]
    """In the order of claims, all labels together."""
    waiting: Sequence[Job]
    recent: Sequence[Job]
    blockers: Mapping[int, Sequence[Job]]
    """Inputs without an artifact, by the waiting job."""

    @cached_property
    def _busy(self) -> set[int]:
        return {job.worker_id for job in self.running if job.worker_id is not None}

    @cached_property
    def _ahead(self) -> dict[int, int]:
        """How many queued jobs of the same label are claimed before each."""
        seen: dict[str, int] = {}
        ahead = {}
        for job in self.queued:
            ahead[job.pk] = seen.get(job.label, 0)
            seen[job.label] = ahead[job.pk] + 1
        return ahead

    def why(self, job: Job) -> str:
        """Say in words what a job waits for; empty for a job that runs or has ended."""
        if job.state == JobState.WAITING:
            return _why_blocked(self.blockers.get(job.pk, ()))
        if job.state == JobState.QUEUED:
            return self._why_queued(job)
        return ""

    def _why_queued(self, job: Job) -> str:
        serving = [worker for worker in self.workers if job.label in worker.labels]
        if not serving:
            return (
                f"No live worker serves the label “{job.label}”: start one that does, or wait "
                "until one is back."
            )
        if job.not_before and job.not_before > self.at:
            seconds = max(1, round((job.not_before - self.at).total_seconds()))
            return f"Tries again in {seconds} s. {job.failure_message}".strip()
        ahead = self._ahead.get(job.pk, 0)
        if ahead:
            return f"{ahead} {'job is' if ahead == 1 else 'jobs are'} ahead of it."
        if all(worker.pk in self._busy for worker in serving):
            return "Next in line: every worker of its label is busy."
        return "Starts in a moment."


def queue() -> Queue:
    """Return workers, unfinished jobs in order and recent ends, in six queries."""
    jobs = Job.objects.select_related("worker", "created_by")
    waiting = list(jobs.filter(state=JobState.WAITING).order_by("-priority", "id"))
    ended = jobs.filter(state__in=FINISHED, finished_at__isnull=False)
    return Queue(
        at=timezone.now(),
        workers=list(workers_live()),
        running=list(jobs.filter(state=JobState.RUNNING).order_by("started_at", "id")),
        queued=list(jobs.filter(state=JobState.QUEUED).order_by(*QUEUE_ORDER)),
        waiting=waiting,
        recent=list(ended.order_by("-finished_at")[:RECENT]),
        blockers=_blockers([job.pk for job in waiting]),
    )


def workers_live() -> QuerySet[Worker]:
    """Return workers that serve labels, have not stopped and were heard of lately."""
    late = Now() - timedelta(seconds=settings.LAB_WORKER_TIMEOUT_S)
    live = Worker.objects.filter(stopped_at=None, heartbeat_at__gt=late).exclude(labels=[])
    return live.order_by("name")


def why_waiting(job: Job) -> str:
    """Say in words what one job waits for; empty for a job that runs or has ended."""
    if job.state == JobState.WAITING:
        return _why_blocked(_blockers([job.pk]).get(job.pk, ()))
    return queue().why(job) if job.state == JobState.QUEUED else ""


def _blockers(job_ids: Sequence[int]) -> dict[int, list[Job]]:
    edges = JobInput.objects.filter(job_id__in=job_ids).exclude(source__state=JobState.SUCCEEDED)
    found: dict[int, list[Job]] = {}
    for edge in edges.select_related("source").order_by("source_id"):
        found.setdefault(edge.job_id, []).append(edge.source)
    return found


def _why_blocked(sources: Sequence[Job]) -> str:
    if not sources:
        return "Starts in a moment."
    for state, words in {
        JobState.FAILED: "failed: retry it, or this job",
        JobState.CANCELLED: "was cancelled: retry it, or this job",
    }.items():
        for source in sources:
            if source.state == state:
                return f"Its input, job {source.pk} ({source.kind}), {words}."
    names = [f"job {source.pk} ({source.kind})" for source in sources]
    return f"Waits for {' and '.join(names)}."


def job_eta_s(job: Job) -> float | None:
    """Return the estimated seconds until a running job is done, None where nothing is known."""
    left = job.progress_total - job.progress_done
    if job.state != JobState.RUNNING or not job.progress_rate or left < 0 or not job.progress_at:
        return None
    since = (timezone.now() - job.progress_at).total_seconds()
    return max(0.0, left / job.progress_rate - since)


def metric_points(
    job_ids: Sequence[int], names: Sequence[str], after_id: int = 0
) -> QuerySet[MetricPoint]:
    """Return points of these jobs and metrics, by id; `after_id` is the reader's cursor."""
    points = MetricPoint.objects.filter(job_id__in=job_ids, name__in=names, id__gt=after_id)
    return points.order_by("id")


def log_lines(job: Job, after_id: int = 0) -> QuerySet[LogLine]:
    """Return lines of a job in order of arrival; `after_id` is the reader's cursor."""
    return LogLine.objects.filter(job=job, id__gt=after_id).order_by("id")
