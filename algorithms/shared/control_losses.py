"""Formulas of offline control that several algorithms share, elementwise or per policy."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

EXPONENT_MAX = 20.0
"""exp above it is capped before it overflows; every cap in use is far below exp(20)."""


def expectile(errors: Float[Tensor, "*shape"], level: float) -> Float[Tensor, "*shape"]:
    """Return |level - 1(u < 0)| u^2 (IQL, equation 5)."""
    return torch.where(errors < 0, 1.0 - level, level) * errors.square()


def exponential_weight(
    advantages: Float[Tensor, "*shape"], temperature: float, largest: float
) -> Float[Tensor, "*shape"]:
    """Return min(exp(temperature A), largest), the weight of IQL's and POR's regressions."""
    return (temperature * advantages).clamp(max=EXPONENT_MAX).exp().clamp(max=largest)


def value_scale(values: Float[Tensor, "S N"], alpha: float) -> Float[Tensor, " S"]:
    """Return lambda = alpha / mean |Q| of each policy, without gradient (TD3+BC, equation 5)."""
    return alpha / values.detach().abs().mean(dim=-1)


def conservative_gap(
    candidates: Float[Tensor, "*shape C"], data: Float[Tensor, "*shape"], temperature: float = 1.0
) -> Float[Tensor, "*shape"]:
    """Return T logsumexp(Q / T) over candidate actions, minus Q of the data's (CQL(H))."""
    return torch.logsumexp(candidates / temperature, dim=-1) * temperature - data


def gaussian_logprob(
    mean: Tensor, log_std: Tensor, value: Float[Tensor, "*shape A"]
) -> Float[Tensor, "*shape"]:
    """Return log N(value; mean, diag(std^2)) in nats."""
    scaled = (value - mean) * (-log_std).exp()
    each = -0.5 * scaled.square() - log_std - 0.5 * math.log(2 * math.pi)
    return each.sum(dim=-1)


def tanh_correction(before: Float[Tensor, "*shape A"]) -> Float[Tensor, "*shape"]:
    """Return log |d tanh(u) / d u|, summed, exactly also where tanh is 1 in floats."""
    return (2 * (math.log(2) - before - functional.softplus(-2 * before))).sum(dim=-1)
