"""How far a job is and how fast, as rows tell it."""

from collections.abc import Sequence

from webapp.experiments.eta import TimedJob
from webapp.jobs.models import Job
from webapp.jobs.states import JobState


def progress(job: Job) -> float:
    """Return the share of a job that is done, 0 to 1."""
    if job.state == JobState.SUCCEEDED:
        return 1.0
    if job.state != JobState.RUNNING or not job.progress_total:
        return 0.0
    return min(1.0, job.progress_done / job.progress_total)


def timed(job: Job, eta_s: float | None, inputs: Sequence[int]) -> TimedJob:
    """Return what is known of a job's speed, for the time that an experiment still takes."""
    seconds = projected = None
    if job.state == JobState.SUCCEEDED and job.started_at and job.finished_at:
        seconds = (job.finished_at - job.started_at).total_seconds()
    if eta_s is not None and job.progress_rate:
        projected = job.progress_total / job.progress_rate
    return TimedJob(
        id=job.pk,
        kind=job.kind,
        state=JobState(job.state),
        inputs=tuple(inputs),
        seconds=seconds,
        left_s=eta_s,
        projected_s=projected,
    )
