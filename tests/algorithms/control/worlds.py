"""Small data sets and batches for tests of control algorithms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from typing_extensions import override

from algorithms.base import JobContext, Reporter, Schema, Summary
from algorithms.control_base import Spaces, TransitionBatch
from algorithms.control_data.transitions import Transitions
from algorithms.jobs import run_job
from algorithms.specs import KINDS


class Heard(Reporter):
    """A reporter that keeps what it is told, and asks to stop after some updates."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.points: list[tuple[int, dict[str, float]]] = []
        self.messages: list[str] = []
        self._stop_after = stop_after
        self._done = 0

    @override
    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        self.points.append((step, dict(metrics)))

    @override
    def progress(self, done: int, total: int, unit: str) -> None:
        self._done = done

    @override
    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        self.messages.append(text)

    def should_stop(self) -> bool:
        return self._stop_after is not None and self._done >= self._stop_after


def random_transitions(rows: int = 400, *, seed: int = 0, length: int = 20) -> Transitions:
    """Return episodes of 3 observation and 2 action dimensions; s' = s + 0.1 (a, a_1)."""
    random = np.random.default_rng(seed)
    observations = random.normal(size=(rows, 3)).astype(np.float32)
    actions = random.uniform(-1, 1, (rows, 2)).astype(np.float32)
    change = 0.1 * actions[:, [0, 1, 0]]
    step = np.arange(rows) % length
    ends = step == length - 1
    return Transitions(
        observations=observations,
        actions=actions,
        rewards=(-(actions**2).sum(axis=1) + observations[:, 0]).astype(np.float32),
        next_observations=observations + change,
        terminated=ends & (np.arange(rows) // length % 2 == 0),
        truncated=ends & (np.arange(rows) // length % 2 == 1),
        metadata={"action_low": [-1.0, -1.0], "action_high": [1.0, 1.0]},
    )


def random_batch(
    spaces: Spaces, *, rows: int = 32, normals: int = 0, uniforms: int = 0, seed: int = 0
) -> TransitionBatch:
    """Return a batch for each of the policies, all the same."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*size: int) -> torch.Tensor:
        alone = torch.randn(1, rows, *size, generator=generator)
        return alone.expand(len(spaces.seeds), *alone.shape[1:]).clone()

    return TransitionBatch(
        observations=drawn(spaces.observation_size),
        actions=drawn(spaces.action_size).tanh(),
        rewards=drawn(),
        next_observations=drawn(spaces.observation_size),
        terminated=(drawn() > 1).float(),
        normals=drawn(normals),
        uniforms=drawn(uniforms).sigmoid(),
    )


def run(
    kind: str,
    folder: Path,
    spec: Mapping[str, Any] | Schema,
    *,
    reporter: Reporter | None = None,
    **inputs: Path,
) -> Summary:
    """Run a job in a folder; its artifact is `folder`."""
    folder.mkdir(exist_ok=True)
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    checkpoints.mkdir(exist_ok=True)
    settings = KINDS[kind].spec.model_validate(dict(spec))
    return run_job(kind, settings, JobContext(inputs, folder, checkpoints, reporter or Heard()))
