"""What the pages of results are made of, typed and free of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from webapp.results.curves import Curve, XAxis
from webapp.results.statistics import FloatArray

BASE = ""
"""Algorithm of a run that only evaluates a given policy."""


CONTROL_EVALUATION = "evaluate_control"
"""Kind of the evaluations of policies that act in an environment."""


@dataclass(frozen=True)
class ArtifactRow:
    """Where the files of a finished job are, and its final figures."""

    job_id: int
    path: str
    """Folder, relative to the artifact store."""
    manifest_sha256: str
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class JobRow:
    """A job as a result's origin."""

    id: int
    state: str
    artifact: ArtifactRow | None
    kind: str = ""

    @property
    def is_active(self) -> bool:
        """Whether more may come from it without a person."""
        return self.state in {"waiting", "queued", "running"}


@dataclass(frozen=True)
class SourceRow:
    """An input of a training: which job made it."""

    job_id: int
    title: str
    fingerprint: str


@dataclass(frozen=True)
class RoundRow:
    """One of several rounds of a run: its training and its evaluation."""

    number: int
    """From 1."""
    train: JobRow | None
    evaluate: JobRow | None


@dataclass(frozen=True)
class RunRow:
    """One run with the jobs that made its numbers."""

    id: int
    experiment_id: int
    experiment_name: str
    label: str
    algorithm: str
    seed: int
    config: Mapping[str, Any]
    train: JobRow | None
    evaluate: JobRow | None
    sources: Mapping[str, SourceRow]
    """Inputs of its training by role; of several rounds, of the first."""
    rounds: tuple[RoundRow, ...] = ()
    """In their order, the last one included, where there are several; else none."""

    @property
    def is_base(self) -> bool:
        """Whether it is the given policy itself, not a training."""
        return self.algorithm == BASE

    @property
    def is_control(self) -> bool:
        """Whether it is about a policy that acts in an environment."""
        return self.evaluate is not None and self.evaluate.kind == CONTROL_EVALUATION

    @property
    def result_key(self) -> tuple[str, int]:
        """Equal for runs that are one and the same computation, in whichever experiment."""
        if self.is_control and self.evaluate is not None:
            # One training is evaluated several times there: as it is, and corrected.
            return ("evaluate", self.evaluate.id)
        if self.train is not None:
            return ("train", self.train.id)
        return ("evaluate", self.evaluate.id) if self.evaluate is not None else ("run", self.id)

    @property
    def trainings(self) -> tuple[JobRow, ...]:
        """Its trainings one after another."""
        found = [one.train for one in self.rounds] or [self.train]
        return tuple(job for job in found if job is not None)

    @property
    def own_jobs(self) -> tuple[JobRow, ...]:
        """Its trainings and evaluations, in the order in which they are done."""
        pairs = [(one.train, one.evaluate) for one in self.rounds] or [(self.train, self.evaluate)]
        return tuple(job for pair in pairs for job in pair if job is not None)

    @property
    def summary(self) -> Mapping[str, Any]:
        """Figures of its final evaluation; empty until there is one."""
        if self.evaluate is None or self.evaluate.artifact is None:
            return {}
        return self.evaluate.artifact.summary

    @property
    def is_active(self) -> bool:
        """Whether one of its own jobs is still to finish."""
        return any(job.is_active for job in self.own_jobs)

    @property
    def state(self) -> str:
        """State of the job it waits for, or of its last one."""
        for job in self.own_jobs:
            if job.state != "succeeded":
                return job.state
        return "succeeded" if self.evaluate is not None else "waiting"


@dataclass(frozen=True)
class Totals:
    """What a whole training took."""

    steps: float
    samples: float
    tokens: float
    seconds: float


@dataclass(frozen=True)
class Cost:
    """What a training had taken at one of its steps."""

    samples: int
    tokens: int
    seconds: float


def totals_of(training: ArtifactRow) -> Totals:
    """Return what a finished training took, from its summary."""
    summary = training.summary
    return Totals(
        *(float(summary.get(name, 0)) for name in ("steps", "samples", "tokens", "seconds"))
    )


@dataclass(frozen=True)
class Points:
    """One metric of one training job: a column per axis, in order of steps."""

    steps: FloatArray
    samples: FloatArray
    tokens: FloatArray
    seconds: FloatArray
    values: FloatArray
    generation: FloatArray | None = None
    """Seconds spent on making its completions up to each point, the training's share of them;
    None where nobody asked."""

    @property
    def total(self) -> FloatArray:
        """Seconds of generation and training."""
        return self.seconds if self.generation is None else self.seconds + self.generation

    def curve(self, seed: int, axis: XAxis) -> Curve:
        """Return the values against one of the axes."""
        x = {
            XAxis.STEPS: self.steps,
            XAxis.SAMPLES: self.samples,
            XAxis.TOKENS: self.tokens,
            XAxis.SECONDS: self.seconds,
            XAxis.TOTAL: self.total,
        }[axis]
        return Curve(seed, x, self.values)

    def place(self, step: float, axis: XAxis) -> float:
        """Return where a step lies on an axis, between the points around it."""
        return float(np.interp(step, self.steps, self.curve(0, axis).x))


def joined(
    rounds: Sequence[Points], totals: Sequence[Totals], generation: Sequence[float] | None = None
) -> Points:
    """Return one curve of the points of several rounds: each goes on where the one before ended.

    Args:
        totals: what each round but the last one took.
        generation: seconds that making the completions of each round took, where wanted.
    """
    columns = []
    done = np.zeros(4)
    for one, total in zip(rounds, [*totals, Totals(0, 0, 0, 0)], strict=True):
        own = np.stack([one.steps, one.samples, one.tokens, one.seconds])
        columns.append(np.vstack([own + done[:, None], one.values]))
        done = done + np.array([total.steps, total.samples, total.tokens, total.seconds])
    whole = Points(*np.concatenate(columns, axis=1))
    if generation is None:
        return whole
    spent = np.cumsum(np.array(generation))
    return replace(whole, generation=np.repeat(spent, [one.steps.size for one in rounds]))


def points_of(rows: list[tuple[int, int, int, float, float]]) -> Points:
    """Return the columns of (step, samples, tokens, seconds, value) rows."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return Points(table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4])


def curve_of(seed: int, told: Sequence[tuple[int, Cost, float]], axis: XAxis) -> Curve:
    """Return values at steps, in their order, against one of the axes."""
    rows = [(step, cost.samples, cost.tokens, cost.seconds, y) for step, cost, y in told]
    return points_of(rows).curve(seed, axis)
