"""log pi per completion token: the one function that generation and training both use."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from jaxtyping import Bool, Float, Int
from torch import Tensor

Precision = Literal["float32", "bfloat16"]

_WIDTH_STEP = 64
"""Batches of longer sets are padded to a multiple of this many tokens."""


class Tokens(Protocol):
    """A row of token ids."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Frame:
    """How a set of sequences is padded, decided by the whole set and never by a batch.

    CPU kernels give a row the same bits whatever other rows are beside it, but not whatever its
    padding is. Equal frames therefore make log pi and the stored log mu of the same weights
    equal to the last bit, for any batch size.
    """

    first: int
    """Position of the earliest completion token: the shortest prompt's length."""
    longest: int
    """Tokens of the longest prompt with its completion."""

    @classmethod
    def around(cls, prompt_lengths: Sequence[int], completion_lengths: Sequence[int]) -> "Frame":
        """Return the frame of a set, given the lengths of each prompt and its completion."""
        prompts = np.asarray(prompt_lengths)
        return cls(int(prompts.min()), int((prompts + np.asarray(completion_lengths)).max()))

    def width(self, longest: int) -> int:
        """Return the padded length of a batch whose longest sequence has that many tokens."""
        if self.longest <= _WIDTH_STEP:
            return self.longest
        return -(-longest // _WIDTH_STEP) * _WIDTH_STEP


@dataclass(frozen=True)
class Sequences:
    """B prompts with their completions, padded on the right to S tokens."""

    ids: Int[Tensor, "B S"]
    mask: Bool[Tensor, "B T"]
    """True at completion tokens; T counts positions from the frame's first one."""

    @property
    def first(self) -> int:
        """Position of the first predicted token."""
        return self.ids.shape[1] - self.mask.shape[1]

    def to(self, device: torch.device) -> "Sequences":
        """Return the same on a device."""
        return Sequences(self.ids.to(device), self.mask.to(device))


def pad(prompts: Sequence[Tokens], completions: Sequence[Tokens], frame: Frame) -> Sequences:
    """Return the sequences padded within the frame.

    Padding stands to the right of every real token, so a causal model needs no attention mask.
    """
    lengths = [(len(p), len(c)) for p, c in zip(prompts, completions, strict=True)]
    width = frame.width(max(sum(pair) for pair in lengths))
    ids = np.zeros((len(lengths), width), dtype=np.int64)
    mask = np.zeros((len(lengths), width), dtype=np.bool_)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        start, end = lengths[row][0], sum(lengths[row])
        ids[row, :start] = prompt
        ids[row, start:end] = completion
        mask[row, start:end] = True
    return Sequences(torch.from_numpy(ids), torch.from_numpy(mask[:, frame.first :].copy()))


def pad_values(
    values: Sequence[Sequence[float]], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """Return numbers per completion token in the mask's shape, 0 elsewhere."""
    padded = torch.zeros(mask.shape, dtype=torch.float32)
    if values:
        flat = np.concatenate([np.asarray(row, dtype=np.float32) for row in values])
        padded[mask] = torch.from_numpy(flat)
    return padded


def token_logprobs(
    model: torch.nn.Module, sequences: Sequences, *, precision: Precision = "float32"
) -> Float[Tensor, "B T"]:
    """Return log pi(y_t | x, y_<t) in nats and float32, with gradient; 0 where masked out.

    Untempered, over the whole vocabulary. `bfloat16` computes the network in mixed precision;
    the logarithm stays in float32.
    """
    targets = sequences.ids[:, sequences.first :]
    context = (
        torch.autocast(sequences.ids.device.type, dtype=torch.bfloat16)
        if precision == "bfloat16"
        else contextlib.nullcontext()
    )
    with context:
        logits = model(
            input_ids=sequences.ids[:, :-1], use_cache=False, logits_to_keep=targets.shape[1]
        ).logits
    nats = F.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), reduction="none"
    ).unflatten(0, targets.shape)
    return torch.where(sequences.mask, -nats, 0.0)
