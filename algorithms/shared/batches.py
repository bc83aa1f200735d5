"""Whole batches, as every loss expects them: in the trainer, the gallery, the labs and tests."""

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Outcomes, Schema
from algorithms.shared.masking import token_counts
from algorithms.shared.pairs import pair_up


def whole_batch(
    rewards: Float[Tensor, " B"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    prompt_index: Int[Tensor, " B"],
) -> CompletionBatch:
    """Return the batch of an optimizer step with the rewards for advantages.

    Every completion is a unit of its own.
    """
    return CompletionBatch(
        rewards=rewards,
        behaviour_logprobs=behaviour_logprobs,
        mask=mask,
        prompt_index=prompt_index,
        advantages=rewards,
        mean_tokens=float(token_counts(mask).double().mean()),
        unit_index=torch.arange(len(rewards), device=mask.device),
    )


def prepare(
    batch: CompletionBatch,
    algorithm: LLMAlgorithm,
    params: Schema,
    *,
    logprobs: Float[Tensor, "B T"],
    generator: torch.Generator | None = None,
) -> CompletionBatch:
    """Return a whole batch with the units, the advantages and the selection of an algorithm.

    Args:
        logprobs: log pi of each token, for algorithms that select by it.
        generator: for advantages that draw lots; without one, always the same draw.
    """
    generator = generator or torch.Generator().manual_seed(0)
    outcomes = Outcomes(batch.rewards, batch.prompt_index, token_counts(batch.mask), generator)
    batch = dataclasses.replace(
        batch,
        advantages=advantages(algorithm, params, outcomes),
        unit_index=units(algorithm, batch.rewards, batch.prompt_index),
    )
    if algorithm.select is None:
        return batch
    selected = algorithm.select(logprobs.detach(), batch, params)
    return dataclasses.replace(batch, selected=selected)


def units(
    algorithm: LLMAlgorithm, rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]
) -> Int[Tensor, " B"]:
    """Return the unit of each completion: itself, its prompt, or a pair of best and worst."""
    if algorithm.unit == "prompt":
        return prompt_index
    if algorithm.unit == "pair":
        return pair_up(rewards, prompt_index)
    return torch.arange(len(rewards), device=rewards.device)


def advantages(algorithm: LLMAlgorithm, params: Schema, outcomes: Outcomes) -> Float[Tensor, " B"]:
    """Return what an algorithm makes of the outcomes of a whole batch."""
    if algorithm.advantage is None:
        return outcomes.rewards
    worth: Tensor = algorithm.advantage(outcomes, params)
    return worth
