"""The coefficient of grad log pi, read off an algorithm's own loss; drawn in the gallery."""

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Schema
from algorithms.shared.batches import whole_batch


def gradient_coefficient(
    algorithm: LLMAlgorithm, params: Schema, ratios: Sequence[float], reward: float
) -> list[float]:
    """Return c(x, R) = -d loss / d log pi for a one-token completion, for each ratio x = pi/mu.

    Positive pushes the completion's probability up, negative down. By autograd in float64 through
    `algorithm.loss`, so the plot cannot disagree with what trains. Every ratio is a completion of
    its own prompt in one batch (in one of its own, where the algorithm selects among the tokens of
    a batch); the loss is a mean over completions, hence the factor B. The advantage is R itself.
    Algorithms that compare completions get an on-policy one of reward -R beside each; that of
    pairs is the coefficient in the mean over pairs.

    Args:
        ratios: at least one number >= 0; 0 is taken as the smallest normal float.

    Raises:
        ValueError: no ratio, or one that is negative or not finite.
    """
    x = torch.tensor(list(ratios), dtype=torch.float64)
    if not x.numel() or not bool((torch.isfinite(x) & (x >= 0)).all()):
        raise ValueError("ratios must be one or more finite numbers, none negative")
    log_ratios = x.clamp(min=torch.finfo(x.dtype).tiny).log()
    parts = list(log_ratios.unsqueeze(-1)) if algorithm.select else [log_ratios]
    gradients = [_gradient(algorithm, params, part, reward) for part in parts]
    # Adding 0.0 turns -0.0 into 0.0.
    return [-value + 0.0 for value in torch.cat(gradients).tolist()]


def _gradient(
    algorithm: LLMAlgorithm, params: Schema, log_ratios: Float[Tensor, " N"], reward: float
) -> Float[Tensor, " N"]:
    """Return N d loss / d log pi of N completions, those beside them left out."""
    count = len(log_ratios)
    beside = torch.zeros(0 if algorithm.unit == "completion" else count, dtype=torch.float64)
    logprobs = torch.cat([log_ratios, beside]).unsqueeze(-1).requires_grad_()
    batch = _one_token_batch(count, len(beside), reward)
    if algorithm.select:
        selected = algorithm.select(logprobs.detach(), batch, params)
        batch = dataclasses.replace(batch, selected=selected)
    loss: Tensor = algorithm.loss(logprobs, batch, params).loss
    (gradient,) = torch.autograd.grad(loss, logprobs)
    means = count if algorithm.unit == "pair" else len(logprobs)
    scaled: Tensor = gradient[:count, 0] * means
    return scaled


def _one_token_batch(completions: int, beside: int, reward: float) -> CompletionBatch:
    rewards = torch.full((completions + beside,), reward, dtype=torch.float64)
    rewards[completions:] *= -1
    nothing = torch.zeros(len(rewards), 1, dtype=torch.float64)
    prompts = torch.arange(len(rewards)) % completions
    batch = whole_batch(
        rewards=rewards,
        behaviour_logprobs=nothing,
        mask=torch.ones(len(rewards), 1, dtype=torch.bool),
        prompt_index=prompts,
    )
    return dataclasses.replace(batch, unit_index=prompts, reference_logprobs=nothing)
