"""What the completions that a training learnt from cost, shared by all trainings that read them.

A job that makes completions (generates, scores, grades, curates or mixes them) took some seconds;
N trainings of this installation read what it made, directly or through other such jobs, and each
bears 1/N. Summed over those N trainings this is the time of the job again: nothing is counted
twice and nothing is lost. Trainings that failed or were cancelled bear nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from webapp.jobs.models import Attempt, Job, JobInput
from webapp.jobs.states import JobState
from webapp.results.rollout_selectors import ROLLOUT_KINDS

TRAIN = "train"
_ENDED_BADLY = (JobState.FAILED, JobState.CANCELLED)

Edges = Mapping[int, set[int]]


@dataclass(frozen=True)
class DataJob:
    """A job that made completions."""

    id: int
    kind: str
    title: str
    seconds: float | None
    """How long the attempt took that made its artifact; None while there is none."""
    trainings: frozenset[int]
    """Jobs that share it."""

    @property
    def share(self) -> float:
        """Seconds that each of its trainings bears."""
        return (self.seconds or 0.0) / max(1, len(self.trainings))


@dataclass(frozen=True)
class Share:
    """What one training bears of making its completions."""

    jobs: tuple[DataJob, ...]

    @property
    def seconds(self) -> float:
        """Its part of all of them."""
        return sum(job.share for job in self.jobs)


def generation_shares(train_ids: Collection[int]) -> dict[int, Share]:
    """Return what each training bears; 2 queries, and 2 per stage between generation and training.

    Trainings that generate their own completions, or learn from references, bear nothing here.
    """
    above = _above(train_ids)
    data = {source for sources in above.values() for source in sources}
    below = _below(data)
    seconds = _seconds(data)
    rows = Job.objects.filter(pk__in=data).values_list("id", "kind", "title") if data else ()
    trainings = {pk: frozenset(_reached(pk, below) - set(below)) for pk in data}
    jobs = {
        pk: DataJob(pk, kind, title, seconds.get(pk), trainings[pk]) for pk, kind, title in rows
    }
    return {
        pk: Share(tuple(jobs[one] for one in sorted(_reached(pk, above)) if one in jobs))
        for pk in train_ids
    }


def _above(train_ids: Iterable[int]) -> Edges:
    """Return the data jobs that each job reads, from the trainings upwards."""
    found: dict[int, set[int]] = defaultdict(set)
    frontier = set(train_ids)
    while frontier:
        edges = JobInput.objects.filter(job__in=frontier, source__kind__in=ROLLOUT_KINDS)
        frontier = set()
        for job, source in edges.values_list("job_id", "source_id"):
            if source not in found:
                frontier.add(source)
            found[job].add(source)
    return found


def _below(data: Iterable[int]) -> Edges:
    """Return the data jobs and trainings that read each data job, downwards."""
    found: dict[int, set[int]] = {}
    frontier = set(data)
    while frontier:
        found |= {pk: set() for pk in frontier}
        kinds = (*ROLLOUT_KINDS, TRAIN)
        edges = JobInput.objects.filter(source__in=frontier, job__kind__in=kinds)
        edges = edges.exclude(job__state__in=_ENDED_BADLY)
        frontier = set()
        for job, kind, source in edges.values_list("job_id", "job__kind", "source_id"):
            found[source].add(job)
            if kind != TRAIN and job not in found:
                frontier.add(job)
    return found


def _reached(start: int, edges: Edges) -> set[int]:
    """Return everything that edges lead to, the start left out."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for one in edges.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _seconds(job_ids: Collection[int]) -> dict[int, float]:
    """Return how long the last successful attempt of each job took; 1 query."""
    if not job_ids:
        return {}
    ended = Attempt.objects.filter(
        job__in=job_ids, outcome=JobState.SUCCEEDED, ended_at__isnull=False
    )
    rows = ended.order_by("number").values_list("job_id", "started_at", "ended_at")
    return {pk: (end - start).total_seconds() for pk, start, end in rows if end is not None}
