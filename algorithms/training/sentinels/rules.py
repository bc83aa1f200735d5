"""One function per sentinel: from what is logged, and what is remembered, to a finding or None."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.watching import Sentinels

RECENT = 50
"""Steps whose speed is remembered."""
ENOUGH = 10
"""Steps before a speed means something."""

Memory = dict[str, Any]
"""What a rule remembers from call to call, as JSON: kept in checkpoints."""


@dataclass(frozen=True)
class Finding:
    """Something that should not be."""

    value: float
    limit: float
    text: str


Rule = Callable[[Mapping[str, float], Memory, Sentinels], Finding | None]


def ratio_explosion(figures: Mapping[str, float], _: Memory, settings: Sentinels) -> Finding | None:
    """Return a finding where a completion's log ratio exceeds the limit."""
    value, limit = figures["log_ratio_max"], settings.log_ratio_limit
    text = f"The largest log(pi/mu) of a completion is {value:.3g} nats; the limit is {limit:g}."
    return Finding(value, limit, text) if value > limit else None


def entropy_collapse(
    figures: Mapping[str, float], memory: Memory, settings: Sentinels
) -> Finding | None:
    """Return a finding where little of the first entropy is left."""
    value = figures["entropy"]
    limit = settings.entropy_floor * memory.setdefault("entropy", value)
    text = (
        f"The entropy is {value:.3g} nats per token, below {settings.entropy_floor:.0%} of the "
        f"{memory['entropy']:.3g} at first: the policy is nearly certain of every token."
    )
    return Finding(value, limit, text) if value < limit else None


def length_collapse(
    figures: Mapping[str, float], memory: Memory, settings: Sentinels
) -> Finding | None:
    """Return a finding where held-out completions are much shorter or longer than at first."""
    value, factor = figures["eval_tokens_mean"], settings.length_factor
    first = memory.setdefault("length", value)
    text = f"Held-out completions have {value:.3g} tokens on average, {first:.3g} at first."
    if value * factor < first:
        return Finding(value, first / factor, text)
    return Finding(value, first * factor, text) if value > first * factor else None


def all_negative(
    figures: Mapping[str, float], memory: Memory, settings: Sentinels
) -> Finding | None:
    """Return a finding after some batches in a row without a positive."""
    row = memory.get("negative_batches", 0) + 1 if figures["positive_share"] == 0 else 0
    memory["negative_batches"] = row
    limit = settings.all_negative_batches
    text = f"{row} batches in a row hold no completion with a reward above zero."
    return Finding(row, limit, text) if row >= limit else None


def invalid_share(
    figures: Mapping[str, float], memory: Memory, settings: Sentinels
) -> Finding | None:
    """Return a finding where most answers cannot be read any more."""
    value, limit = figures["eval_invalid_share"], settings.invalid_limit
    first = memory.setdefault("invalid", value)
    text = f"{value:.0%} of the sampled held-out completions are invalid, {first:.0%} at first."
    return Finding(value, limit, text) if value > limit >= first else None


def throughput_stall(
    figures: Mapping[str, float], memory: Memory, settings: Sentinels
) -> Finding | None:
    """Return a finding where a step is much slower than the recent ones."""
    value = figures["tokens_per_s"]
    recent: list[float] = memory.setdefault("speeds", [])
    usual = statistics.median(recent) if len(recent) >= ENOUGH else 0.0
    recent.append(value)
    del recent[:-RECENT]
    limit = usual / settings.stall_factor
    text = f"{value:.3g} tokens/s, where {usual:.3g} were usual: something else takes the machine."
    return Finding(value, limit, text) if value < limit else None


RULES: Mapping[str, tuple[str, Rule]] = {
    "ratio_explosion": ("log_ratio_max", ratio_explosion),
    "entropy_collapse": ("entropy", entropy_collapse),
    "all_negative": ("positive_share", all_negative),
    "throughput_stall": ("tokens_per_s", throughput_stall),
    "length_collapse": ("eval_tokens_mean", length_collapse),
    "invalid_share": ("eval_invalid_share", invalid_share),
}
"""By sentinel: the metric that it waits for, and the rule. `non_finite` has none: it is told."""
