"""Noise levels of denoising score matching."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def geometric_levels(largest: float, smallest: float, count: int) -> tuple[float, ...]:
    """Return noise levels from large to small, each the same factor below the one before."""
    return tuple(np.geomspace(largest, smallest, count).tolist())


def loss_floor(deviation: float, level: float, dimensions: int) -> float:
    """Return the smallest loss that any network can have on N(m, deviation^2 I) at a level.

    d s^2 / (2 (s^2 + sigma^2)), for the loss of `denoising_losses`: a lower training loss means
    that rows were learned by heart.
    """
    return 0.5 * dimensions * deviation**2 / (deviation**2 + level**2)


def denoising_losses(
    predicted_noise: Float[Tensor, "*shape D"], noise: Float[Tensor, "*shape D"]
) -> Float[Tensor, "*shape"]:
    """Return 1/2 ||epsilon_theta(x + sigma epsilon, log sigma) - epsilon||^2 per row.

    It is denoising score matching with the weight sigma^2: the score is -epsilon_theta / sigma.
    """
    return 0.5 * (predicted_noise - noise).square().sum(dim=-1)


def chosen_levels(
    levels: Float[Tensor, " L"], uniforms: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Return a level per uniform draw from [0, 1), all equally likely."""
    index = (uniforms * len(levels)).long().clamp(max=len(levels) - 1)
    return torch.take(levels, index)
