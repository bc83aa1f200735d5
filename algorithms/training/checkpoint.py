"""Checkpoints that a killed training resumes from, bit for bit: safetensors and JSON."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.optimizers import optimizer_state, restore_optimizer
from algorithms.training.whole import collect, own_tensors, spread

_KEPT = 2
"""Complete checkpoints that stay: the newest, and one more should that be damaged."""
_FOLDER = "step-{:010d}"


@dataclass
class Position:
    """Where a training stands; everything that is not a tensor."""

    step: int = 0
    """Updates done; the data order follows from it."""
    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    clipped_steps: int = 0
    """Updates whose gradient was longer than allowed."""
    skipped_steps: int = 0
    """Steps that changed nothing, because loss or gradient was not a finite number."""
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    watch: dict[str, Any] = field(default_factory=dict)
    """What the sentinels remember."""
    histograms: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `algorithms.shared.histograms.HISTOGRAMS`."""


def save(
    folder: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    *,
    also: Callable[[Path], None] = lambda _: None,
    ranks: Ranks = ALONE,
) -> None:
    """Write a checkpoint that is either complete or not there, and remove old ones.

    It holds everything in one piece, so that any number of processes can go on from it.

    Args:
        also: writes further files of it into the folder that it is given.
        ranks: the processes that hold model and optimizer together; the first one writes.
    """
    weights = collect(own_tensors(model), keep=ranks.is_first)
    spread_tensors, numbers = optimizer_state(optimizer)
    tensors = collect(spread_tensors, keep=ranks.is_first)
    if ranks.is_first:
        _write(folder, weights, tensors, position=position, numbers=numbers, also=also)
    ranks.wait()


def _write(
    folder: Path,
    weights: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor],
    *,
    position: Position,
    numbers: Mapping[str, Any],
    also: Callable[[Path], None],
) -> None:
    target = folder / _FOLDER.format(position.step)
    temporary = folder / f".{target.name}.part"
    for leftover in (temporary, target):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_file(dict(weights), temporary / "model.safetensors")
    tensors = _contiguous({**optimizer, **_random_state()})
    save_file(tensors, temporary / "optimizer.safetensors")
    also(temporary)
    files = {path.name: path.stat().st_size for path in sorted(temporary.iterdir())}
    state = {"position": asdict(position), "optimizer": numbers, "files": files}
    (temporary / "state.json").write_text(json.dumps(state), encoding="utf-8")
    for path in (*temporary.iterdir(), temporary):
        _sync(path)
    temporary.rename(target)
    _sync(folder)
    for old in _newest_first(folder)[_KEPT:]:
        shutil.rmtree(old)


def restore(
    folder: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    also: Callable[[Path], None] = lambda _: None,
) -> Position | None:
    """Load the newest complete checkpoint into model and optimizer; None where there is none.

    Args:
        also: reads further files of it.
    """
    for found in _newest_first(folder):
        loaded = _read(found)
        if loaded is None:
            continue
        state, weights, tensors = loaded
        own = own_tensors(model)
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(spread(value, own[name]))
        _restore_random_state(tensors)
        restore_optimizer(optimizer, tensors, state["optimizer"])
        also(found)
        return Position(**state["position"])
    return None


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]] | None:
    """Return what a checkpoint holds, or None where a file is missing or damaged."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if any((folder / name).stat().st_size != size for name, size in state["files"].items()):
            return None
        weights = load_file(folder / "model.safetensors")
        return state, weights, load_file(folder / "optimizer.safetensors")
    except (OSError, ValueError, KeyError, SafetensorError):
        return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True)


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _random_state() -> dict[str, Tensor]:
    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states


def _restore_random_state(tensors: dict[str, Tensor]) -> None:
    """Take the random states out of the tensors and set them."""
    torch.set_rng_state(tensors.pop("random.cpu"))
    on_gpu = tensors.pop("random.cuda", None)
    if on_gpu is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(on_gpu)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
