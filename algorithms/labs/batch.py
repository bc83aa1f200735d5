"""What a person types into the Loss lab: a handful of completions with their log-probabilities."""

import dataclasses
from typing import Annotated, Self

import torch
from jaxtyping import Float
from pydantic import Field, ValidationInfo, field_validator, model_validator
from torch import Tensor

from algorithms.base import CompletionBatch, Schema
from algorithms.shared.batches import whole_batch

MAX_COMPLETIONS = 64
MAX_TOKENS = 256
SMALLEST = -10_000.0

LogProb = Annotated[float, Field(ge=SMALLEST, le=0)]
"""A log-probability in nats: at most 0."""


class LabCompletion(Schema):
    """One completion: the prompt it answers, its reward, and its tokens under each policy."""

    prompt: int = Field(1, ge=0, le=1_000_000)
    """Completions of the same number answer the same prompt and make one group."""
    reward: float = Field(0.0, ge=-1e6, le=1e6)
    """R(x, y)."""
    logprobs: tuple[LogProb, ...] = Field(min_length=1, max_length=MAX_TOKENS)
    """log pi of each token under the policy that trains, in nats."""
    behaviour_logprobs: tuple[LogProb, ...] = Field(min_length=1, max_length=MAX_TOKENS)
    """log mu of each token under the policy that wrote it, in nats."""
    reference_logprobs: tuple[LogProb, ...] = Field((), max_length=MAX_TOKENS)
    """log of the reference policy per token, in nats; left out, the behaviour policy is it."""

    @field_validator("behaviour_logprobs", "reference_logprobs")
    @classmethod
    def _as_many_tokens(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        tokens = len(info.data.get("logprobs", values))
        if values and len(values) != tokens:
            raise ValueError(f"there are {len(values)} numbers here, and {tokens} of log pi")
        return values


class LabBatch(Schema):
    """The batch of one optimizer step."""

    completions: tuple[LabCompletion, ...] = Field(min_length=1, max_length=MAX_COMPLETIONS)
    """In the order of the table."""

    @model_validator(mode="after")
    def _tokens_fit(self) -> Self:
        tokens = sum(len(one.logprobs) for one in self.completions)
        if tokens > 4096:
            raise ValueError(f"{tokens:,} tokens are too many here: 4,096 at most")
        return self

    @property
    def positive_share(self) -> float:
        """Share of completions with a reward above zero."""
        return sum(one.reward > 0 for one in self.completions) / len(self.completions)

    @property
    def tokens(self) -> int:
        """All tokens of the batch."""
        return sum(len(one.logprobs) for one in self.completions)


def tensors(batch: LabBatch) -> tuple[CompletionBatch, Float[Tensor, "B T"]]:
    """Return the batch as losses see it, in float64, with the reference; and log pi."""
    rows = batch.completions
    logprobs, mask = _padded([one.logprobs for one in rows])
    behaviour, _ = _padded([one.behaviour_logprobs for one in rows])
    reference, _ = _padded([one.reference_logprobs or one.behaviour_logprobs for one in rows])
    whole = whole_batch(
        rewards=torch.tensor([one.reward for one in rows], dtype=torch.float64),
        behaviour_logprobs=behaviour,
        mask=mask,
        prompt_index=torch.tensor([one.prompt for one in rows]),
    )
    return dataclasses.replace(whole, reference_logprobs=reference), logprobs


def _padded(rows: list[tuple[float, ...]]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    values = [[*row, *[0.0] * (longest - len(row))] for row in rows]
    mask = [[True] * len(row) + [False] * (longest - len(row)) for row in rows]
    return torch.tensor(values, dtype=torch.float64), torch.tensor(mask)
