"""The coefficient of grad log pi, read off an algorithm's own loss; drawn in the gallery."""

from collections.abc import Sequence

import torch
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Schema
from algorithms.shared.batches import whole_batch


def gradient_coefficient(
    algorithm: LLMAlgorithm, params: Schema, ratios: Sequence[float], reward: float
) -> list[float]:
    """Return c(x, R) = -d loss / d log pi for a one-token completion, for each ratio x = pi/mu.

    Positive pushes the completion's probability up, negative down. By autograd in float64 through
    `algorithm.loss`, so the plot cannot disagree with what trains. Every ratio is a completion of
    its own prompt in one batch; the loss is a mean over completions, hence the factor B.

    Args:
        ratios: at least one number >= 0; 0 is taken as the smallest normal float.

    Raises:
        ValueError: no ratio, or one that is negative or not finite.
    """
    x = torch.tensor(list(ratios), dtype=torch.float64)
    if not x.numel() or not bool((torch.isfinite(x) & (x >= 0)).all()):
        raise ValueError("ratios must be one or more finite numbers, none negative")
    logprobs = x.clamp(min=torch.finfo(x.dtype).tiny).log().unsqueeze(-1).requires_grad_()
    loss: Tensor = algorithm.loss(logprobs, _one_token_batch(len(ratios), reward), params).loss
    (gradient,) = torch.autograd.grad(loss, logprobs)
    # Adding 0.0 turns -0.0 into 0.0.
    return [-value * len(ratios) + 0.0 for value in gradient.squeeze(-1).tolist()]


def _one_token_batch(completions: int, reward: float) -> CompletionBatch:
    return whole_batch(
        rewards=torch.full((completions,), reward, dtype=torch.float64),
        behaviour_logprobs=torch.zeros(completions, 1, dtype=torch.float64),
        mask=torch.ones(completions, 1, dtype=torch.bool),
        prompt_index=torch.arange(completions),
    )
