"""From a number per token to a number per completion whose mean is the loss of the batch."""

from typing import Annotated, Literal

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from algorithms.shared.masking import masked_mean, masked_sum

Aggregation = Annotated[
    Literal["sequence_mean", "token_mean", "sequence_sum"],
    Field(
        description="How tokens are averaged: sequence_mean (mean over completions of the mean "
        "over their tokens; seq-mean-token-mean in verl and Trinity-RFT), token_mean (over all "
        "tokens of the global batch, exact under gradient accumulation), sequence_sum (mean over "
        "completions of the sum over their tokens; seq-mean-token-sum)."
    ),
]


def aggregate(
    values: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    how: Literal["sequence_mean", "token_mean", "sequence_sum"],
    mean_tokens: float,
) -> Float[Tensor, " B"]:
    """Return a number per completion, so that the mean over completions is the aggregate.

    A token mean is the sum over a completion's tokens divided by the mean length of the whole
    batch: its mean over completions is exact however the batch is cut into micro-batches.

    Args:
        mean_tokens: tokens per completion, averaged over the whole batch (`batch.mean_tokens`).
    """
    if how == "sequence_mean":
        return masked_mean(values, mask)
    total = masked_sum(values, mask)
    # A batch without any token has sums of 0 to divide.
    return total if how == "sequence_sum" else total / (mean_tokens or 1.0)
