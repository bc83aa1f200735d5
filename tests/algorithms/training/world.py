"""A policy of two narrow layers, and jobs run on it: what the tests of jobs and training share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.asking import Sampling
from algorithms.base import Event, JobContext, Schema, Summary
from algorithms.jobs import run_job
from algorithms.settings import LLMSettings
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, GenerateSpec, GradeSpec, PolicySpec, TrainSpec

SAMPLING = Sampling(max_new_tokens=4)
DATASET = DatasetSpec(source=ArithmeticSource(digits=1, train=40, test=12))
POLICY = PolicySpec(
    source=TinyLlama(hidden_size=32, layers=2, heads=2, intermediate_size=64, max_tokens=24)
)
GENERATE = GenerateSpec(completions=4, sampling=SAMPLING, batch_size=64)
SETTINGS = LLMSettings(
    steps=6,
    batch_size=16,
    micro_batch_size=16,
    learning_rate=1e-3,
    evaluate_every=3,
    evaluate_problems=6,
    checkpoint_every=2,
)
GOOD_REWARD = 1.0


@dataclass
class Recorder:
    """A reporter that remembers everything, and asks to stop once it was asked often enough."""

    stop_after: int | None = None
    """Questions that are answered with no; None never says yes."""
    points: dict[int, dict[str, float]] = field(default_factory=dict)
    costs: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    done: list[tuple[int, int, str]] = field(default_factory=list)
    asked: int = 0

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        self.points.setdefault(step, {}).update(metrics)
        self.costs[step] = (samples, tokens, seconds)

    def progress(self, done: int, total: int, unit: str) -> None:
        self.done.append((done, total, unit))

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        self.messages.append(f"{level}: {text}")

    def event(self, event: Event) -> None:
        self.events.append(event)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after


@dataclass(frozen=True)
class World:
    """A folder of artifacts, by name."""

    folder: Path

    def run(
        self,
        name: str,
        kind: str,
        spec: Schema,
        *,
        reporter: Recorder | None = None,
        **inputs: str,
    ) -> Summary:
        """Run a job on named artifacts and keep its artifact under a name."""
        output = self.folder / name
        output.mkdir()
        context = JobContext(
            inputs={role: self.folder / source for role, source in inputs.items()},
            output=output,
            checkpoints=self.folder / f"{name}.checkpoints",
            reporter=reporter or Recorder(),
        )
        return run_job(kind, spec, context)

    def train(
        self, name: str, spec: TrainSpec, *, reporter: Recorder | None = None, **inputs: str
    ) -> Summary:
        """Run a training on the world's own policy, rollouts and problems."""
        given = {"policy": "policy", "rollouts": "graded", "eval_dataset": "dataset"} | inputs
        return self.run(name, "train", spec, reporter=reporter, **given)


def build(folder: Path) -> World:
    """Return a world with dataset, policy, rollouts and graded rollouts of mixed rewards."""
    world = World(folder)
    world.run("dataset", "dataset", DATASET)
    world.run("policy", "policy", POLICY)
    world.run("rollouts", "generate", GENERATE, policy="policy", dataset="dataset")
    world.run("graded", "grade", GradeSpec(), rollouts="rollouts")
    regrade(world, "graded", every=3)
    return world


def regrade(world: World, name: str, *, every: int) -> None:
    """Give every n-th completion a good reward; an untrained policy earns none. 0 gives none."""
    path = world.folder / name / "rollouts.parquet"
    table = pq.read_table(path)
    good = [bool(every) and number % every == 0 for number in range(table.num_rows)]
    for column, values in {
        "reward": pa.array([GOOD_REWARD if g else -1.0 for g in good], pa.float32()),
        "grade": pa.array(["correct" if g else "incorrect" for g in good]),
    }.items():
        table = table.set_column(table.schema.get_field_index(column), column, values)
    pq.write_table(table, path)


def train_spec(algorithm: str = "topr", *, seed: int = 0, **settings: object) -> TrainSpec:
    """Return the spec of a short training; keywords change its settings."""
    changed = SETTINGS.model_dump() | settings
    return TrainSpec(
        algorithm=algorithm,
        settings=LLMSettings.model_validate(changed),
        seed=seed,
        sampling=SAMPLING,
    )
