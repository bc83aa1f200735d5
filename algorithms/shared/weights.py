"""Weights of grad log pi, and what is logged about them; every figure is a mean over completions.

No weight carries a gradient. The taper of TOPR has a file of its own.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.base import Metric
from algorithms.shared.clipping import LARGEST_LOG_RATIO
from algorithms.shared.taper import FORGOTTEN_WEIGHT

WEIGHT_MEAN = Metric(
    "weight_mean",
    label="Mean importance weight",
    help="Mean over completions of the weight that multiplies the reward in the gradient.",
)
TAPERED_SHARE = Metric(
    "tapered_share",
    label="Share of ratios tapered",
    help="Share of completions whose ratio pi/mu lies outside the bounds of their sign.",
)
FORGOTTEN_SHARE = Metric(
    "forgotten_share",
    label="Share of negatives forgotten",
    help=f"Share of all completions that are negative and weigh less than {FORGOTTEN_WEIGHT}.",
)
CLIPPED_SHARE = Metric(
    "clipped_share",
    label="Share of ratios clipped",
    help="Share of completions beyond the clip, which give no gradient.",
)
CLIPPED_TOKEN_SHARE = Metric(
    "clipped_token_share",
    label="Share of tokens clipped",
    help="Share of the batch's tokens that are masked out, so that their advantage gives no "
    "gradient.",
)


def importance_weight(log_ratio: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return rho = pi/mu without gradient, log rho clamped to +-20."""
    return log_ratio.detach().clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()


def advantage_weight(
    advantages: Float[Tensor, "*shape"], *, temperature: float, largest: float
) -> Float[Tensor, "*shape"]:
    """Return exp(A / T), A / T capped at log(largest) so that it never overflows (RED-Weight)."""
    return (advantages.detach() / temperature).clamp(max=math.log(largest)).exp()


def sigmoid_gate(
    ratio: Float[Tensor, "*shape"], temperature: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Return (4 / tau) sigma(tau (rho - 1)): the gate of SAPO, of slope 1 at rho = 1.

    It carries the gradient of the ratio; detach it to use it as a weight.
    """
    return 4 / temperature * torch.sigmoid(temperature * (ratio - 1))


def share(selected: Bool[Tensor, " B"]) -> float:
    """Return the share of completions that are selected."""
    return selected.to(torch.float32).mean().item()
