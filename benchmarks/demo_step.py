"""One training step of ours beside a plain transformers loop, on the demo's model and data.

    python -m benchmarks.demo_step [--steps 40] [--algorithm topr]

Both learn from the same batches with AdamW and clipping; the plain loop is supervised
fine-tuning (`labels=`), without importance weights and without metrics. Steps alternate, so that
what else the machine does falls on both.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from algorithms import demo
from algorithms.asking import Grading
from algorithms.base import JobContext, Reporter, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.jobs import run_job
from algorithms.specs import GenerateSpec, GradeSpec
from algorithms.training.completions import TrainingSet, load_rollouts
from algorithms.training.data_order import DataOrder
from algorithms.training.evaluation import Exam
from algorithms.training.gradient import Lesson, accumulate_gradient
from algorithms.training.optimizers import build_optimizer, clip_gradient
from algorithms.training.policy import Policy, load_policy
from algorithms.training.runtime import configure, peak_memory_bytes
from algorithms.training.units import Units
from benchmarks.figures import OPTION, Figure, keep


class Silent(Reporter):
    """A reporter that nobody listens to."""

    def log(self, step: int, metrics: object, **cost: float) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say nothing."""

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Say nothing."""

    def should_stop(self) -> bool:
        """Never."""
        return False


def make_rollouts(folder: Path) -> None:
    """Leave a policy and graded rollouts of it in the folder."""
    generate = GenerateSpec(prompts=500, completions=8, sampling=demo.SAMPLING)
    jobs: list[tuple[str, Schema, dict[str, str]]] = [
        ("dataset", demo.DATASET, {}),
        ("policy", demo.POLICY, {}),
        ("generate", generate, {"policy": "policy", "dataset": "dataset"}),
        ("grade", GradeSpec(), {"rollouts": "generate"}),
    ]
    for kind, spec, inputs in jobs:
        output = folder / kind
        output.mkdir()
        given = {role: folder / name for role, name in inputs.items()}
        run_job(kind, spec, JobContext(given, output, folder / "checkpoints", Silent()))


def our_step(policy: Policy, lesson: Lesson) -> Callable[[np.ndarray], None]:
    """Return the step that `algorithms.training.llm` takes, metrics included."""
    optimizer = build_optimizer(policy.model, lesson.settings)

    def step(indices: np.ndarray) -> None:
        accumulate_gradient(policy, lesson, Units.singles(indices), step=0)
        clip_gradient(policy.model.parameters(), lesson.settings.clip_norm)
        optimizer.step()

    return step


def plain_step(model: Any, data: TrainingSet) -> Callable[[np.ndarray], None]:
    """Return the step that a plain loop over transformers takes."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=demo.SETTINGS.learning_rate, weight_decay=0.0
    )

    def step(indices: np.ndarray) -> None:
        prompts, completions = data.prompts.take(indices), data.completions.take(indices)
        pairs = list(zip(prompts, completions, strict=True))
        width = max(len(prompt) + len(completion) for prompt, completion in pairs)
        ids = torch.zeros(len(pairs), width, dtype=torch.long)
        labels = torch.full_like(ids, -100)
        attention = torch.zeros_like(ids)
        for row, (prompt, completion) in enumerate(pairs):
            end = len(prompt) + len(completion)
            ids[row, :end] = torch.tensor([*prompt, *completion])
            labels[row, len(prompt) : end] = ids[row, len(prompt) : end]
            attention[row, :end] = 1
        optimizer.zero_grad()
        loss = model(input_ids=ids, attention_mask=attention, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), demo.SETTINGS.clip_norm)
        optimizer.step()

    return step


def main() -> None:
    """Print the time of both steps, and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--algorithm", default="topr", choices=list(ALGORITHMS))
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
    options = parser.parse_args()
    device = configure(seed=0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_rollouts(folder)
        policies = [load_policy(folder / "policy", device) for _ in range(2)]
        data = load_rollouts(folder / "grade", policies[0])
    algorithm = ALGORITHMS[options.algorithm]
    exam = Exam([], 0, demo.SAMPLING, Grading(), batch_size=1)
    lesson = Lesson(algorithm, algorithm.params(), demo.SETTINGS, 0, data, exam)
    order = DataOrder(lesson.units, demo.SETTINGS, seed=0)
    steps = {
        f"ours ({options.algorithm})": our_step(policies[0], lesson),
        "plain transformers": plain_step(policies[1].model, data),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(options.steps + 3):
        for name, step in steps.items():
            started = time.process_time()
            step(order.batch(number).rows)
            seconds[name].append(time.process_time() - started)
    medians = [statistics.median(times[3:]) for times in seconds.values()]
    for name, median in zip(seconds, medians, strict=True):
        sys.stdout.write(f"{name:22} {median * 1000:7.1f} ms of CPU per step (median)\n")
    sys.stdout.write(f"ratio ours / plain     {medians[0] / medians[1]:7.2f}\n")
    keep(options.figures, [Figure("ours : plain, CPU time", f"{medians[0] / medians[1]:.2f} x")])
    sys.stdout.write(f"peak memory            {peak_memory_bytes(device) / 2**20:7.0f} MiB\n")


if __name__ == "__main__":
    main()
