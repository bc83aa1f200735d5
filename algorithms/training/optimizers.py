"""Optimizers, their learning rate over time, and their state as tensors and numbers."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from transformers.optimization import Adafactor

from algorithms.settings import LLMSettings
from algorithms.training.whole import spread

_ADAFACTOR = {"relative_step": False, "scale_parameter": False, "warmup_init": False}
"""Its learning rate is the one that it is given."""


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
            piecewise: torch.optim.Optimizer = PiecewiseAdafactor(  # type: ignore[no-untyped-call]
                groups, lr=settings.learning_rate, **_ADAFACTOR
            )
            return piecewise


class PiecewiseAdafactor(Adafactor):
    """transformers' Adafactor, also of weights that are spread over processes.

    Its update of a weight needs sums over all of it. So each weight in turn is put together with
    its gradient, every process computes the whole update, and takes its part of it.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change all weights."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        if not any(isinstance(weight, DTensor) for weight in weights):
            super().step(closure)  # type: ignore[no-untyped-call]
            return
        for group in self.param_groups:
            options = {name: value for name, value in group.items() if name != "params"}
            for weight in group["params"]:
                if weight.grad is not None:
                    self._change(weight, options)

    def _change(self, weight: Any, options: dict[str, Any]) -> None:
        whole = torch.nn.Parameter(weight.full_tensor())
        whole.grad = weight.grad.full_tensor()
        alone = Adafactor([whole], **options)  # type: ignore[no-untyped-call]
        alone.state[whole] = self.state[weight]
        alone.step()  # type: ignore[no-untyped-call]
        weight.copy_(spread(whole.detach(), weight))


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
    """Scale the gradient down to a norm, if it is longer; return the norm it had.

    Where weights are spread over processes, it is the norm of the whole gradient, in all of them.
    """
    norm = torch.nn.utils.clip_grad_norm_(weights, largest_norm)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


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
    """Give an optimizer of the same weights the memory that `optimizer_state` returned.

    Where weights are spread over processes, so is what is remembered number by number; Adafactor,
    which remembers little, remembers all of it everywhere.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **numbers}.items():
        index, _, name = key.partition(".")
        weight = weights[int(index)]
        same_shape = isinstance(value, Tensor) and value.shape == weight.shape
        is_spread = same_shape and not isinstance(optimizer, Adafactor)
        state.setdefault(int(index), {})[name] = spread(value, weight) if is_spread else value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
