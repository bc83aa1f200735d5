"""How far generation may be behind training, and what is kept in between."""

from typing import Literal

from pydantic import Field

from algorithms.base import Schema

NEVER = 1_000_000
"""A sync interval that no training reaches, like the 300 of the paper's 160 updates."""


class Schedule(Schema):
    """When the generator takes over the trained weights (group-relative REINFORCE, style fixed)."""

    sync_interval: int = Field(1, ge=1, le=NEVER)
    """Updates between two synchronisations (m); 1 takes over every update."""
    sync_offset: int = Field(0, ge=0, le=NEVER)
    """Batches that the generator is ahead of the training (o)."""
    max_staleness: int | None = Field(None, ge=0, le=NEVER)
    """Completions of a policy that is more updates old are dropped and others generated instead;
    empty keeps all."""


class Replay(Schema):
    """What waits between generation and training, and in which order it is taken."""

    buffer: Literal["fifo", "priority"] = "fifo"
    """fifo: the oldest first, each once. priority: by version - decay x uses, with reuse."""
    priority_decay: float = Field(2.0, ge=0, le=1e6)
    """priority: what a use costs, in versions."""
    priority_noise: float = Field(0.0, ge=0, le=1e6)
    """priority: standard deviation of a seeded normal number added to each priority."""
    use_limit: int = Field(3, ge=1, le=1000)
    """priority: updates that may learn from the completions of a prompt; then they leave."""
    reuse_cooldown: int | None = Field(None, ge=0, le=NEVER)
    """priority: updates that they rest between two uses; empty uses everything once."""
    capacity: int = Field(10_000, ge=1, le=10_000_000)
    """priority: completions kept; beyond it those of lowest priority leave."""


REGIMES: dict[str, tuple[int, int]] = {
    "on_policy": (1, 0),
    "periodic": (20, 0),
    "delayed": (1, 10),
    "offline": (NEVER, 0),
}
"""Sync interval and offset of the paper's settings by name; offline never synchronises."""


def batches_misfit(trained: int, written: int, replay: Replay) -> str:
    """Return what is wrong with the completions trained on and written per update; empty if none.

    A queue that is used once gives back what is put in; only reuse can give more.
    """
    if replay.buffer == "priority" and replay.capacity < written:
        return (
            f"the buffer has room for {replay.capacity:,} completions (capacity), but each update "
            f"writes {written:,}: raise capacity"
        )
    reuses = replay.buffer == "priority" and replay.reuse_cooldown is not None
    if trained == written or (reuses and trained > written):
        return ""
    advice = f"set batch_size to {written:,}"
    if reuses:
        advice += " or more"
    return (
        f"each update is to learn from {trained:,} completions (batch_size), but prompts_per_step "
        f"x completions writes {written:,} for it: {advice}"
    )
