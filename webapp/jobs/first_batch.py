"""The first batch of a training as its page shows it: every token, and what is learned from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.data.tables import FIRST_BATCH, FIRST_BATCH_FILE
from algorithms.specs import TRAININGS
from webapp.jobs.models import Job
from webapp.jobs.states import ACTIVE
from webapp.jobs.train_files import train_file


@dataclass(frozen=True)
class LearnedToken:
    """One token that the loss sees."""

    text: str
    logprob: float

    @property
    def probability(self) -> float:
        """What the policy that wrote it gave it."""
        return math.exp(min(self.logprob, 0.0))


@dataclass(frozen=True)
class FirstCompletion:
    """One completion of the first batch, behind the prompt that is masked out."""

    prompt: Sequence[str]
    """Texts of the prompt's tokens."""
    completion: Sequence[LearnedToken]
    reward: float
    advantage: float
    unit: int


@dataclass(frozen=True)
class FirstBatch:
    """The first completions of the first update."""

    completions: Sequence[FirstCompletion]
    size: int
    """Completions of the whole batch."""


def has_first_batch(job: Job) -> bool:
    """Whether a job has a first batch to show, or will have while it runs."""
    return job.kind in TRAININGS and (job.state in ACTIVE or first_batch(job) is not None)


def first_batch(job: Job) -> FirstBatch | None:
    """Return a training's first batch; None before it has one, or where it was not written."""
    path = train_file(job, FIRST_BATCH_FILE, live=FIRST_BATCH_FILE)
    if path is None:
        return None
    try:
        rows = pq.read_table(path).cast(FIRST_BATCH).to_pylist()
    except (OSError, pa.ArrowException):
        return None
    completions = [
        FirstCompletion(
            row["prompt"],
            [LearnedToken(*pair) for pair in zip(row["completion"], row["logprobs"], strict=True)],
            row["reward"],
            row["advantage"],
            row["unit"],
        )
        for row in rows
    ]
    return FirstBatch(completions, rows[0]["batch_size"]) if rows else None
