"""What is logged about importance weights; every figure is a mean over completions."""

import torch
from jaxtyping import Bool
from torch import Tensor

from algorithms.base import Metric
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


def share(selected: Bool[Tensor, " B"]) -> float:
    """Return the share of completions that are selected."""
    return selected.to(torch.float32).mean().item()
