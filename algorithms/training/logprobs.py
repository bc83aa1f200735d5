"""log pi per completion token: the one function that generation and training both use.

A sequence is padded to a length that follows from its own length alone, and run beside sequences
of that padded length. CPU kernels give a row the same bits whatever rows are beside it, though
not whatever its padding is, and not in matrices of very few rows, which are therefore filled up.
So the same weights give the same bits in batches of any size and make-up, and log pi equals the
stored log mu exactly before the first update.
"""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from jaxtyping import Bool, Float, Int
from torch import Tensor

Precision = Literal["float32", "bfloat16"]
TokenRow = Sequence[int] | np.ndarray
"""Token ids of one prompt or completion."""

_SHORT = 16
"""Up to here sequences are padded to an even length only."""
_FEWEST = 8
"""Matrices of fewer rows are filled up: below 4, CPU kernels were seen to give other bits."""


@dataclass(frozen=True)
class Group:
    """Some sequences of a batch that are padded to the same length."""

    rows: Int[Tensor, " b"]
    """Which rows of the batch they are."""
    ids: Int[Tensor, "filled S"]
    """Prompt, completion, padding; where b is very small, rows of nothing follow."""
    starts: Int[Tensor, " b"]
    """Position of the first completion token."""
    first: int
    """Position of the first token that is predicted; at most the smallest start."""


@dataclass(frozen=True)
class Sequences:
    """B prompts with their completions; T is the longest completion."""

    groups: tuple[Group, ...]
    mask: Bool[Tensor, "B T"]
    """True where a completion has a token."""

    def to(self, device: torch.device) -> "Sequences":
        """Return the same on a device."""
        groups = (
            Group(g.rows.to(device), g.ids.to(device), g.starts.to(device), g.first)
            for g in self.groups
        )
        return Sequences(tuple(groups), self.mask.to(device))


def padded_length(length: int) -> int:
    """Return the length to pad to: 2, 4, 6 to 16, then 24, 32, 48, 64, 96, 128 and so on."""
    if length <= _SHORT:
        return length + length % 2
    size = _SHORT
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def pad(prompts: Sequence[TokenRow], completions: Sequence[TokenRow]) -> Sequences:
    """Return the sequences in groups of equal padded length.

    Padding stands to the right of every real token, so a causal model needs no attention mask.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        members[padded_length(len(prompt) + len(completion) - 1)].append(row)
    groups = []
    for length, rows in sorted(members.items()):
        filled = max(len(rows), -(-_FEWEST // length))
        ids = np.zeros((filled, length + 1), dtype=np.int64)
        starts = np.array([len(prompts[row]) for row in rows])
        for line, row in enumerate(rows):
            end = starts[line] + len(completions[row])
            ids[line, : starts[line]] = prompts[row]
            ids[line, starts[line] : end] = completions[row]
        tensors = (torch.tensor(rows), torch.from_numpy(ids), torch.from_numpy(starts))
        first = max(1, min(int(starts.min()), length + 1 - _FEWEST))
        groups.append(Group(*tensors, first=first))
    lengths = torch.tensor([len(completion) for completion in completions])
    mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(-1)
    return Sequences(tuple(groups), mask)


def pad_values(
    values: Sequence[Sequence[float] | np.ndarray], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """Return numbers per completion token in the mask's shape, 0 elsewhere."""
    padded = torch.zeros(mask.shape, dtype=torch.float32)
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
    mask = sequences.mask
    parts = [_of_group(model, group, mask.shape[1], precision) for group in sequences.groups]
    rows = torch.cat([group.rows for group in sequences.groups])
    return torch.where(mask, torch.cat(parts)[rows.argsort()], 0.0)


def _of_group(
    model: torch.nn.Module, group: Group, length: int, precision: Precision
) -> Float[Tensor, "b T"]:
    """Return log pi of the `length` tokens from each completion's start; past its end, anything."""
    targets = group.ids[:, group.first :]
    context = (
        torch.autocast(group.ids.device.type, dtype=torch.bfloat16)
        if precision == "bfloat16"
        else contextlib.nullcontext()
    )
    with context:
        logits = model(
            input_ids=group.ids[:, :-1], use_cache=False, logits_to_keep=targets.shape[1]
        ).logits
    nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    offsets = (group.starts - group.first).unsqueeze(-1)
    columns = offsets + torch.arange(length, device=offsets.device)
    known = nats.view(targets.shape)[: len(group.rows)]
    return -known.gather(1, columns.clamp(max=targets.shape[1] - 1))
