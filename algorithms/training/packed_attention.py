"""Causal attention over sequences laid one behind the other, each seeing itself alone.

Sequences of one packed row are described to the attention layers by a *plan*, an int64 tensor of
shape [1, 1, K, 3] that travels where transformers passes a prepared attention mask on untouched.
Each of its K lines is a run of equally long sequences: how many, how long, and the line of the
sequence that stands before each of them (a shared prompt), or -1. No mask of [tokens x tokens] is
built, and no product of two sequences is computed.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from jaxtyping import Float, Int
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME = "offpolicy_lab_packed"
Plan = Int[Tensor, "1 1 K 3"]


def make_plan(lines: list[tuple[int, int, int]]) -> Plan:
    """Return the plan of runs (sequences, tokens of each, line of their prefix or -1)."""
    return torch.tensor(lines, dtype=torch.int64).view(1, 1, -1, 3)


def install(model: Any) -> None:
    """Let a model that attends by SDPA understand plans; everything else stays as it is."""
    if model.config._attn_implementation == "sdpa":  # noqa: SLF001 - has no public name
        model.set_attn_implementation(_NAME)


def is_installed(model: Any) -> bool:
    """Whether a model's attention understands plans."""
    return bool(model.config._attn_implementation == _NAME)  # noqa: SLF001


def _attend(  # noqa: PLR0917 - as transformers calls it
    module: torch.nn.Module,
    query: Float[Tensor, "b H S D"],
    key: Float[Tensor, "b K S2 D"],
    value: Float[Tensor, "b K S2 D2"],
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Return what SDPA returns, for the plan where there is one; [b, S, H, D]."""
    if attention_mask is None or attention_mask.dtype != torch.int64:
        whole: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return whole
    lines = attention_mask[0, 0].tolist()
    if query.device.type != "cpu":
        return _by_runs(query, key, value, lines, scaling=scaling), None
    # CPUs have no attention kernel for bfloat16 that goes backward fast: a third of float32's speed
    with torch.autocast("cpu", enabled=False):
        attended = _by_runs(query.float(), key.float(), value.float(), lines, scaling=scaling)
    return attended.to(value.dtype), None


def _by_runs(
    query: Float[Tensor, "1 H S D"],
    key: Float[Tensor, "1 K S D"],
    value: Float[Tensor, "1 K S D2"],
    lines: list[list[int]],
    *,
    scaling: float | None,
) -> Float[Tensor, "1 S H D2"]:
    sizes = [count * length for count, length, _ in lines]
    # one split each: the gradients of single slices would each be as large as the whole
    parts = [torch.split(state[0], sizes, dim=1) for state in (query, key, value)]
    made = []
    for number, (count, length, before) in enumerate(lines):
        q, k, v = (_rows(part[number], count, length) for part in parts)
        if before >= 0:
            k, v = (
                torch.cat([part[before].expand(count, -1, -1, -1), rows], dim=2)
                for part, rows in ((parts[1], k), (parts[2], v))
            )
        heads = _sdpa(q, k, v, scaling)
        made.append(heads.transpose(1, 2).flatten(0, 1))
    return torch.cat(made).unsqueeze(0)


def _rows(part: Float[Tensor, "H S D"], count: int, length: int) -> Float[Tensor, "n H L D"]:
    return part.view(len(part), count, length, part.shape[-1]).transpose(0, 1)


def _sdpa(
    query: Float[Tensor, "n H L D"],
    key: Float[Tensor, "n K M D"],
    value: Float[Tensor, "n K M D2"],
    scaling: float | None,
) -> Float[Tensor, "n H L D2"]:
    """Return causal attention; queries are the last L of the M positions."""
    length, total = query.shape[2], key.shape[2]
    mask = None
    if length != total:
        mask = torch.ones(length, total, dtype=torch.bool, device=query.device)
        mask = mask.tril(total - length)
    return F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, sdpa_mask)
