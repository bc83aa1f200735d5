"""Optimizers, their learning rate over time, and their state as tensors and numbers."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from transformers.optimization import Adafactor

from algorithms.settings import LLMSettings


def build_optimizer(model: torch.nn.Module, settings: LLMSettings) -> torch.optim.Optimizer:
    """Return the optimizer of all trainable weights; only matrices decay, not gains and biases."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in weights if w.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    match settings.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        case "adafactor":
            adafactor: torch.optim.Optimizer = Adafactor(  # type: ignore[no-untyped-call]
                groups,
                lr=settings.learning_rate,
                relative_step=False,
                scale_parameter=False,
                warmup_init=False,
            )
            return adafactor


def learning_rate(settings: LLMSettings, step: int, total: int) -> float:
    """Return the rate of update `step` (from 0) of `total`.

    It rises linearly over the warm-up, is at its peak after it, and `linear` and `cosine` bring
    it down so that it would reach 0 at update `total`.
    """
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, total - settings.warmup_steps)
    match settings.schedule:
        case "constant":
            factor = 1.0
        case "linear":
            factor = 1.0 - done
        case "cosine":
            factor = 0.5 * (1.0 + math.cos(math.pi * done))
    return settings.learning_rate * factor


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next update use this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def clip_gradient(weights: Iterable[Tensor], largest_norm: float) -> float:
    """Scale the gradient down to a norm, if it is longer; return the norm it had."""
    return float(torch.nn.utils.clip_grad_norm_(weights, largest_norm))


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the optimizer's memory as tensors and as JSON numbers, both named `weight.entry`."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            kept = tensors if isinstance(value, Tensor) else numbers
            kept[f"{index}.{name}"] = value
    return tensors, numbers


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], numbers: dict[str, Any]
) -> None:
    """Give an optimizer of the same weights the memory that `optimizer_state` returned."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **numbers}.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
