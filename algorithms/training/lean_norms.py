"""RMSNorm in one pass over memory, for CPUs.

Written out in PyTorch, the norm of a layer reads and writes the hidden states a dozen times, and
mixed precision rounds its output once for every linear layer that takes it. Here a few rows at a
time stay in the cache, and what is kept for the backward pass is the input and a number per row.
"""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

_CACHE_BYTES = 2**19
"""Float32 numbers of the rows that are worked on at a time."""
_ROWS = 16
"""They are a multiple of this many rows: a token's bits do not depend on those beside it."""
_TOLERANCE = 1e-5
"""Largest relative deviation from a model's own norm that counts as rounding."""


def install(model: torch.nn.Module) -> int:
    """Let the norms of a model that are plain RMSNorms compute this way; return how many do."""
    made = 0
    for module in model.modules():
        if _is_rms_norm(module):
            module.forward = partial(_forward, module)
            made += 1
    return made


def rms_norm(
    hidden: Float[Tensor, "*rows D"], weight: Float[Tensor, " D"], epsilon: float
) -> Float[Tensor, "*rows D"]:
    """Return w x / sqrt(mean(x^2) + epsilon), computed in float32.

    Float32 input gives the type that mixed precision computes in, where that is on.
    """
    kept = torch.result_type(hidden, weight)
    if hidden.dtype == torch.float32 and torch.is_autocast_enabled("cpu"):
        kept = torch.get_autocast_dtype("cpu")
    normed: Tensor = _RMSNorm.apply(hidden, weight, epsilon, kept)  # type: ignore[no-untyped-call]
    return normed


def _forward(module: Any, hidden: Tensor) -> Tensor:
    return rms_norm(hidden, module.weight, module.variance_epsilon)


@torch.no_grad()
def _is_rms_norm(module: Any) -> bool:
    """Whether a module is called an RMSNorm, lies on a CPU and computes what it should."""
    weight = getattr(module, "weight", None)
    named = type(module).__name__.endswith("RMSNorm") and hasattr(module, "variance_epsilon")
    if not named or weight is None or weight.ndim != 1 or not weight.is_cpu:
        return False
    trial = torch.linspace(-2.0, 3.0, 2 * len(weight)).sin().view(2, -1)
    expected = module(trial)
    found = _forward(module, trial)
    return found.dtype == expected.dtype and torch.allclose(
        found, expected, rtol=_TOLERANCE, atol=_TOLERANCE
    )


class _RMSNorm(torch.autograd.Function):
    """See `rms_norm`."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd functions take positional arguments only
        ctx: Any, hidden: Tensor, weight: Tensor, epsilon: float, kept: torch.dtype
    ) -> Tensor:
        states = hidden.reshape(-1, len(weight))
        normed = torch.empty_like(states, dtype=kept)
        scale = states.new_empty(len(states), 1, dtype=torch.float32)
        for piece in _pieces(states):
            rows = states[piece].float()
            scale[piece] = rows.square().mean(dim=-1, keepdim=True).add_(epsilon).rsqrt_()
            normed[piece] = (rows * scale[piece]).mul_(weight)
        ctx.save_for_backward(hidden, weight, scale)
        return normed.view(hidden.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, scale = ctx.saved_tensors
        states, slopes = (tensor.reshape(-1, len(weight)) for tensor in (hidden, gradient))
        of_hidden = torch.empty_like(states)
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        for piece in _pieces(states):
            normed = states[piece] * scale[piece]
            slope = slopes[piece].float()
            of_weight += (slope * normed).sum(dim=0)
            slope = slope * weight
            shared = torch.linalg.vecdot(slope, normed).div_(len(weight)).unsqueeze(-1)
            of_hidden[piece] = slope.sub_(normed.mul_(shared)).mul_(scale[piece])
        return of_hidden.view(hidden.shape), of_weight.to(weight.dtype), None, None


def _pieces(states: Tensor) -> list[slice]:
    rows = max(_ROWS, _CACHE_BYTES // (4 * states.shape[1]) // _ROWS * _ROWS)
    return [slice(start, start + rows) for start in range(0, len(states), rows)]
