"""Jobs, the queue and the workers."""

from dataclasses import asdict
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from webapp.api.auth import caller
from webapp.api.schemas.common import Page, RangeQuery, page_of
from webapp.api.schemas.jobs import (
    AlarmOut,
    AttemptOut,
    InputOut,
    JobDetailOut,
    JobOut,
    LineOut,
    PointOut,
    QueueOut,
    WaitingJobOut,
    WorkerOut,
    job_out,
    worker_out,
)
from webapp.experiments.pruning import artifacts_prune
from webapp.jobs import selectors, services
from webapp.jobs.first_batch import first_batch
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

router = Router(tags=["jobs"])
workers_router = Router(tags=["workers"])

ROWS = Job.objects.select_related("worker", "created_by", "artifact")
MOST_POINTS = 10_000
MOST_LINES = 1000

Cursor = Annotated[int, Query(ge=0)]


class PriorityIn(Schema):
    """How urgent, -100 to 100; higher runs earlier."""

    priority: int = Field(ge=-100, le=100)


class PrunedOut(Schema):
    """What pruning deleted."""

    jobs: int
    artifacts: int
    size_bytes: int


@router.get("", response=Page[JobOut])
def jobs(
    request: HttpRequest,
    asked: RangeQuery,
    *,
    state: JobState | None = None,
    kind: str = "",
) -> Page[JobOut]:
    """Return jobs, the newest first."""
    found = ROWS.defer("spec", "failure_detail").order_by("-id")
    if state is not None:
        found = found.filter(state=state)
    if kind:
        found = found.filter(kind=kind)
    return page_of(found, asked, job_out)


@router.get("/{job_id}", response=JobDetailOut)
def job(request: HttpRequest, job_id: int) -> JobDetailOut:
    """Return one job with its inputs and attempts."""
    found = _job(job_id)
    inputs = found.inputs.select_related("source").order_by("role")
    return JobDetailOut(
        **job_out(found).model_dump(),
        spec=found.spec,
        fingerprint=found.fingerprint,
        code_version=found.code_version,
        why=selectors.why_waiting(found),
        inputs=[
            InputOut(
                role=one.role,
                job_id=one.source_id,
                checkpoint=one.checkpoint,
                state=one.source.state,
            )
            for one in inputs
        ],
        dependents=sorted(set(found.dependents.values_list("job_id", flat=True))),
        attempts=[
            AttemptOut(
                number=one.number,
                worker=one.worker_name,
                started_at=one.started_at,
                ended_at=one.ended_at,
                outcome=one.outcome,
                message=one.message,
            )
            for one in found.attempts.order_by("number")
        ],
        alarms=[AlarmOut.from_orm(one) for one in found.events.order_by("step", "sentinel")],
    )


@router.get("/{job_id}/log", response=list[LineOut])
def job_log(request: HttpRequest, job_id: int, after: Cursor = 0) -> list[LineOut]:
    """Return the next lines of the log; `after` is the id of the last line that you have."""
    lines = selectors.log_lines(_job(job_id), after_id=after)[:MOST_LINES]
    return [LineOut.model_validate(line) for line in lines]


@router.get("/{job_id}/points", response=list[PointOut])
def job_points(
    request: HttpRequest,
    job_id: int,
    names: str = "",
    after: Cursor = 0,
) -> list[PointOut]:
    """Return the next points; `names` are metrics separated by commas, empty for all."""
    _job(job_id)
    wanted = [name for name in names.split(",") if name]
    points = selectors.metric_points([job_id], wanted or _names(job_id), after_id=after)
    return [PointOut.model_validate(point) for point in points[:MOST_POINTS]]


def _names(job_id: int) -> list[str]:
    names = Job.objects.filter(pk=job_id, points__isnull=False).values_list(
        "points__name", flat=True
    )
    return list(names.distinct())


@router.get("/{job_id}/first-batch", response=dict[str, Any])
def job_first_batch(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """Return the first completions that a training learns from, token by token as masked."""
    found = first_batch(_job(job_id))
    if found is None:
        raise Http404(f"Job {job_id} has no first batch: it trains none, or has not begun.")
    return asdict(found)


@router.post("/{job_id}/cancel", response=JobOut)
def job_cancel(request: HttpRequest, job_id: int) -> JobOut:
    """Cancel a job, whoever needs it; cancel an experiment to spare what others need."""
    services.job_cancel(job=_job(job_id), user=caller(request))
    return job_out(_job(job_id))


@router.post("/{job_id}/retry", response=JobOut)
def job_retry(request: HttpRequest, job_id: int) -> JobOut:
    """Try a failed or cancelled job again."""
    services.job_retry(job=_job(job_id), user=caller(request))
    return job_out(_job(job_id))


@router.post("/{job_id}/recompute", response=JobOut)
def job_recompute(request: HttpRequest, job_id: int) -> JobOut:
    """Compute a succeeded job again because its artifact is damaged or gone."""
    services.job_recompute(job=_job(job_id), user=caller(request))
    return job_out(_job(job_id))


@router.post("/{job_id}/priority", response=JobOut)
def job_priority(request: HttpRequest, job_id: int, payload: PriorityIn) -> JobOut:
    """Run a job earlier or later."""
    services.job_set_priority(job=_job(job_id), priority=payload.priority, user=caller(request))
    return job_out(_job(job_id))


@workers_router.get("/workers", response=list[WorkerOut])
def workers(request: HttpRequest) -> list[WorkerOut]:
    """Return live workers and what each runs."""
    running = Job.objects.filter(state=JobState.RUNNING).values_list("worker_id", "id")
    current = dict(running)
    return [worker_out(worker, current.get(worker.pk)) for worker in selectors.workers_live()]


@workers_router.get("/queue", response=QueueOut)
def queue(request: HttpRequest) -> QueueOut:
    """Return running jobs, queued jobs in order and waiting jobs, and why each waits."""
    found = selectors.queue()
    return QueueOut(
        running=[job_out(one) for one in found.running],
        queued=[WaitingJobOut(job=job_out(one), why=found.why(one)) for one in found.queued],
        waiting=[WaitingJobOut(job=job_out(one), why=found.why(one)) for one in found.waiting],
    )


@workers_router.post("/artifacts/prune", response=PrunedOut)
def prune(request: HttpRequest) -> PrunedOut:
    """Delete jobs and artifacts that nothing needs any more; staff only."""
    report = artifacts_prune(user=caller(request))
    return PrunedOut(jobs=report.jobs, artifacts=report.artifacts, size_bytes=report.size_bytes)


def _job(pk: int) -> Job:
    return get_object_or_404(ROWS, pk=pk)
