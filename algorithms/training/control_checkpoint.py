"""Checkpoints of control trainings: weights and optimizers; batches follow from the step."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from algorithms.checkpoints import (
    CONTROL_STATE_FILE,
    CONTROL_WEIGHTS_FILE,
    control_checkpoint_name,
)
from algorithms.control_base import Checkpointed

_KEPT = 2


@dataclass
class Position:
    """Where a training stands."""

    step: int = 0
    seconds: float = 0.0
    evaluations: list[dict[str, Any]] = field(default_factory=list)


def save(folder: Path, learner: Checkpointed, position: Position) -> None:
    """Write a checkpoint that is either complete or not there, and remove old ones."""
    target = folder / control_checkpoint_name(position.step)
    temporary = folder / f".{target.name}.part"
    for leftover in (temporary, target):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(parents=True)
    weights = {name: value.contiguous() for name, value in learner.state_dict().items()}
    save_file(weights, temporary / CONTROL_WEIGHTS_FILE)
    save_file(_memories(learner), temporary / "optimizers.safetensors")
    (temporary / CONTROL_STATE_FILE).write_text(json.dumps(asdict(position)), encoding="utf-8")
    for path in (*temporary.iterdir(), temporary):
        _sync(path)
    temporary.rename(target)
    _sync(folder)
    for old in newest_first(folder)[_KEPT:]:
        shutil.rmtree(old)


def restore(folder: Path, learner: Checkpointed) -> Position | None:
    """Load the newest complete checkpoint; None where there is none."""
    for found in newest_first(folder):
        try:
            position = Position(
                **json.loads((found / CONTROL_STATE_FILE).read_text(encoding="utf-8"))
            )
            weights = load_file(found / CONTROL_WEIGHTS_FILE)
            memories = load_file(found / "optimizers.safetensors")
        except (OSError, ValueError, TypeError, SafetensorError):
            continue
        learner.load_state_dict(weights)
        _restore_memories(learner, memories)
        return position
    return None


def newest_first(folder: Path) -> list[Path]:
    """Return the folders of all checkpoints."""
    return sorted(folder.glob("step-*"), reverse=True)


def _memories(learner: Checkpointed) -> dict[str, Tensor]:
    found = {}
    for place, optimizer in enumerate(learner.optimizers):
        for index, entries in optimizer.state_dict()["state"].items():
            for name, value in entries.items():
                found[f"{place}.{index}.{name}"] = torch.as_tensor(value).contiguous()
    return found


def _restore_memories(learner: Checkpointed, memories: dict[str, Tensor]) -> None:
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in learner.optimizers]
    for key, value in memories.items():
        place, index, name = key.split(".", maxsplit=2)
        states[int(place)].setdefault(int(index), {})[name] = value
    for optimizer, state in zip(learner.optimizers, states, strict=True):
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
