"""The score of data themselves under Gaussian noise, without a network: what networks learn."""

import torch
from jaxtyping import Float
from torch import Tensor


def empirical_weights(
    data: Float[Tensor, "N D"], queries: Float[Tensor, "Q D"], level: float
) -> Float[Tensor, "Q N"]:
    """Return how much of the noisy density at each query every data point makes up."""
    squares = torch.cdist(queries, data).square()
    return torch.softmax(-squares / (2 * level**2), dim=-1)


def empirical_score(
    data: Float[Tensor, "N D"], queries: Float[Tensor, "Q D"], level: float
) -> Float[Tensor, "Q D"]:
    """Return grad log q_sigma, q_sigma = 1/N sum_i N(.; x_i, sigma^2 I)."""
    return (denoised(data, queries, level) - queries) / level**2


def denoised(
    data: Float[Tensor, "N D"], queries: Float[Tensor, "Q D"], level: float
) -> Float[Tensor, "Q D"]:
    """Return E[x | query], the mean of the data under those weights (Tweedie's formula)."""
    return empirical_weights(data, queries, level) @ data
