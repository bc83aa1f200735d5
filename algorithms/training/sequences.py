"""Prompts with their completions: tokens as they are, and the shape that losses work in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

TokenRow = Sequence[int] | np.ndarray
"""Token ids of one prompt or completion."""


@dataclass(frozen=True)
class Sequences:
    """B prompts with their completions; T is the longest completion."""

    prompts: tuple[np.ndarray, ...]
    completions: tuple[np.ndarray, ...]
    mask: Bool[Tensor, "B T"]
    """True where a completion has a token."""

    def to(self, device: torch.device) -> "Sequences":
        """Return the same with the mask on a device; tokens go there pass by pass."""
        return Sequences(self.prompts, self.completions, self.mask.to(device))


def no_sequences(device: torch.device) -> Sequences:
    """Return B = 0 sequences."""
    return Sequences((), (), torch.zeros(0, 1, dtype=torch.bool, device=device))


def pad(prompts: Sequence[TokenRow], completions: Sequence[TokenRow]) -> Sequences:
    """Return prompts with their completions and the completions' mask."""
    lengths = torch.tensor([len(completion) for completion in completions])
    mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(-1)
    return Sequences(_rows(prompts), _rows(completions), mask)


def pad_values(
    values: Sequence[Sequence[float] | np.ndarray], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """Return numbers per completion token in the mask's shape, 0 elsewhere."""
    padded = torch.zeros(mask.shape, dtype=torch.float32)
    flat = np.concatenate([np.asarray(row, dtype=np.float32) for row in values])
    padded[mask] = torch.from_numpy(flat)
    return padded


def _rows(rows: Sequence[TokenRow]) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(row, dtype=np.int64) for row in rows)
