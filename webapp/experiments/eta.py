"""How long an experiment still takes, from measured rates and durations only; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from webapp.jobs.states import ACTIVE, JobState


@dataclass(frozen=True)
class TimedJob:
    """What is known of a job's speed."""

    id: int
    kind: str
    state: JobState
    inputs: tuple[int, ...]
    """Ids of the jobs whose artifacts it reads."""
    seconds: float | None = None
    """How long it took, where it has succeeded."""
    left_s: float | None = None
    """What it still takes by its own rate, where it runs and reported one."""
    projected_s: float | None = None
    """How long it takes in all by that rate."""


def remaining_s(jobs: Sequence[TimedJob], *, workers: int) -> float | None:
    """Return the seconds until every job that can still run has run; None where unknown.

    Unknown: no live worker, or a job of a kind of which none has finished or reported a rate.
    Jobs behind a failed or cancelled one do not count: they do not run.

    Args:
        jobs: inputs before what needs them.
        workers: live workers that serve the jobs' label; each runs one job at a time.
    """
    pending = _pending(jobs)
    if not pending:
        return 0.0
    typical = _typical(jobs)
    left = {job.id: _left(job, typical) for job in pending}
    known = {job_id: seconds for job_id, seconds in left.items() if seconds is not None}
    if workers < 1 or len(known) < len(left):
        return None
    return max(sum(known.values()) / workers, _longest_chain(pending, known))


def _pending(jobs: Sequence[TimedJob]) -> list[TimedJob]:
    """Return active jobs that no failed or cancelled input blocks."""
    blocked = {job.id for job in jobs if job.state in {JobState.FAILED, JobState.CANCELLED}}
    pending = []
    for job in jobs:
        if blocked & set(job.inputs):
            blocked.add(job.id)
        elif job.state in ACTIVE:
            pending.append(job)
    return pending


def _typical(jobs: Iterable[TimedJob]) -> dict[str, float]:
    """Return the mean duration of finished jobs by kind, else what running ones project."""
    finished: dict[str, list[float]] = defaultdict(list)
    projected: dict[str, list[float]] = defaultdict(list)
    for job in jobs:
        if job.state == JobState.SUCCEEDED and job.seconds is not None:
            finished[job.kind].append(job.seconds)
        elif job.state == JobState.RUNNING and job.projected_s is not None:
            projected[job.kind].append(job.projected_s)
    return {kind: sum(values) / len(values) for kind, values in {**projected, **finished}.items()}


def _left(job: TimedJob, typical: Mapping[str, float]) -> float | None:
    return typical.get(job.kind) if job.left_s is None else job.left_s


def _longest_chain(pending: Sequence[TimedJob], left: Mapping[int, float]) -> float:
    """Return the longest sum of seconds along a path of jobs that wait for each other."""
    ends: dict[int, float] = {}
    for job in pending:
        start = max((ends.get(source, 0.0) for source in job.inputs), default=0.0)
        ends[job.id] = start + left[job.id]
    return max(ends.values())
