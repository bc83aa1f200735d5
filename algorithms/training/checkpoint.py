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

from algorithms.training.optimizers import optimizer_state, restore_optimizer

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
    histograms: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `algorithms.shared.histograms.HISTOGRAMS`."""


def save(
    folder: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    *,
    also: Callable[[Path], None] = lambda _: None,
) -> None:
    """Write a checkpoint that is either complete or not there, and remove old ones.

    Args:
        also: writes further files of it into the folder that it is given.
    """
    target = folder / _FOLDER.format(position.step)
    temporary = folder / f".{target.name}.part"
    for leftover in (temporary, target):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(parents=True)
    tensors, numbers = optimizer_state(optimizer)
    save_file(_own_tensors(model), temporary / "model.safetensors")
    save_file(_contiguous(tensors | _random_state()), temporary / "optimizer.safetensors")
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
        own = _own_tensors(model)
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(value)
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


def _own_tensors(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return trainable weights and saved buffers, each once where two names share one.

    Frozen weights, those under adapters, are the ones that the training starts from.
    """
    weights = {name: weight.data for name, weight in model.named_parameters()}
    known = {weight.data_ptr() for weight in weights.values()}
    own = {name: w.data for name, w in model.named_parameters() if w.requires_grad}
    buffers = {
        name: value
        for name, value in model.state_dict().items()
        if name not in weights and value.data_ptr() not in known
    }
    return own | buffers


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
