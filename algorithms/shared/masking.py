"""Sums and means over the tokens that count; garbage in masked positions changes nothing."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def token_counts(mask: Bool[Tensor, "B T"]) -> Int[Tensor, " B"]:
    """Return |y|, the number of completion tokens, per completion."""
    return mask.sum(dim=-1)


def keep_masked(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """Return the values with 0 where the mask is False, in float32 or wider.

    NaN and infinity in masked positions disappear, from the gradient too (`where` selects, a
    product with the mask would keep them).
    """
    wide = values.to(torch.promote_types(values.dtype, torch.float32))
    return torch.where(mask, wide, torch.zeros((), dtype=wide.dtype, device=wide.device))


def masked_sum(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Return the sum over each completion's tokens."""
    return keep_masked(values, mask).sum(dim=-1)


def masked_mean(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Return the mean over each completion's tokens; 0 for a completion without tokens."""
    return masked_sum(values, mask) / token_counts(mask).clamp(min=1)
