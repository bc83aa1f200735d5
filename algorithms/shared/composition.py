"""A loss from its blocks: advantage, weight and mask, regulariser, aggregation.

    loss = mean over completions of agg_t[ -sg(W M A) log pi + penalty ]

Weight W, mask M and advantage A are constants for the gradient, so that the coefficient of
grad log pi is c = W M A per token. Regularisers act on masked-out (clipped) tokens too.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.base import CompletionBatch, LossOutput
from algorithms.shared.aggregation import aggregate
from algorithms.shared.masking import keep_masked, masked_mean


def over_tokens(values: Float[Tensor, " B"], batch: CompletionBatch) -> Float[Tensor, "B T"]:
    """Return a number of each completion for each of its tokens."""
    return values.unsqueeze(-1).expand(batch.mask.shape)


def policy_gradient(
    logprobs: Float[Tensor, "B T"],
    batch: CompletionBatch,
    *,
    aggregation: Literal["sequence_mean", "token_mean", "sequence_sum"],
    advantages: Float[Tensor, "B T"] | None = None,
    weights: Float[Tensor, "B T"] | None = None,
    kept: Bool[Tensor, "B T"] | None = None,
    penalty: Float[Tensor, "B T"] | None = None,
    sequence_penalty: Float[Tensor, " B"] | None = None,
) -> LossOutput:
    """Return the loss whose gradient is -W M A grad log pi, aggregated, plus the penalties.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
        advantages: of each token; by default those of the batch.
        weights: W of each token; none is 1.
        kept: M of each token; none keeps all.
        penalty: added per token, aggregated the same way.
        sequence_penalty: added per completion, as it is.
    """
    coefficient = over_tokens(batch.advantages, batch) if advantages is None else advantages
    if weights is not None:
        coefficient = coefficient * weights
    if kept is not None:
        # `where` selects: an infinite weight that is masked out leaves no NaN.
        coefficient = torch.where(kept, coefficient, 0.0)
    return surrogate(
        coefficient.detach() * keep_masked(logprobs, batch.mask),
        batch,
        aggregation=aggregation,
        weights=weights,
        kept=kept,
        penalty=penalty,
        sequence_penalty=sequence_penalty,
    )


def surrogate(
    objective: Float[Tensor, "B T"],
    batch: CompletionBatch,
    *,
    aggregation: Literal["sequence_mean", "token_mean", "sequence_sum"],
    weights: Float[Tensor, "B T"] | None = None,
    kept: Bool[Tensor, "B T"] | None = None,
    penalty: Float[Tensor, "B T"] | None = None,
    sequence_penalty: Float[Tensor, " B"] | None = None,
) -> LossOutput:
    """Return the loss that maximises an objective per token, its gradient as it is.

    Metrics: weight_mean where there are weights, clipped_token_share where there is a mask.

    Args:
        objective: to be maximised, with gradient.
        weights: of each token, to be told only: they are in the objective already.
        kept: likewise.
        penalty: subtracted from the objective per token.
        sequence_penalty: added to the loss per completion.
    """
    values = -objective if penalty is None else penalty - objective
    losses = aggregate(values, batch.mask, how=aggregation, mean_tokens=batch.mean_tokens)
    if sequence_penalty is not None:
        losses = losses + sequence_penalty
    return LossOutput.of(
        losses,
        metrics=_figures(batch, weights, kept),
        weights=None if weights is None else weights.detach(),
        kept=kept,
    )


def _figures(
    batch: CompletionBatch,
    weights: Float[Tensor, "B T"] | None,
    kept: Bool[Tensor, "B T"] | None,
) -> dict[str, float]:
    figures = {}
    if weights is not None:
        figures["weight_mean"] = masked_mean(weights.detach(), batch.mask).mean().item()
    if kept is not None:
        clipped = aggregate(
            (~kept).float(), batch.mask, how="token_mean", mean_tokens=batch.mean_tokens
        )
        figures["clipped_token_share"] = clipped.mean().item()
    return figures
