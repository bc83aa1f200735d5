"""What a training watches itself for, and what it does then."""

from typing import Literal, get_args

from pydantic import Field

from algorithms.base import Schema

Action = Literal["off", "warn", "stop"]


class Sentinels(Schema):
    """What a training watches itself for. warn: an event on its page and on its curves; stop: it
    also ends there and keeps the policy of its last checkpoint before.
    """

    non_finite: Action = "warn"
    """A loss or gradient that is not a finite number. Such a step changes nothing; where no more
    may be skipped, warn ends in failure, stop keeps the policy."""
    ratio_explosion: Action = "warn"
    """Completions whose probability has grown beyond all measure since they were sampled."""
    log_ratio_limit: float = Field(20.0, gt=0)
    """ratio_explosion: largest log(pi/mu) of a completion, in nats."""
    entropy_collapse: Action = "warn"
    """A policy that has become nearly certain of every token."""
    entropy_floor: float = Field(0.05, gt=0, lt=1)
    """entropy_collapse: share of the first measured entropy that must be left."""
    length_collapse: Action = "warn"
    """Held-out completions that become much shorter or much longer."""
    length_factor: float = Field(4.0, gt=1)
    """length_collapse: how many times shorter or longer than at the first evaluation."""
    all_negative: Action = "warn"
    """Batches without a single positive: nothing says what to do, only what not to do."""
    all_negative_batches: int = Field(3, ge=1)
    """all_negative: how many such batches in a row."""
    invalid_share: Action = "warn"
    """Sampled held-out completions from which no answer can be read."""
    invalid_limit: float = Field(0.5, gt=0, le=1)
    """invalid_share: largest share, where the first evaluation was below it."""
    throughput_stall: Action = "warn"
    """A training that has become much slower than it was."""
    stall_factor: float = Field(10.0, gt=1)
    """throughput_stall: how many times slower a step is than half of the last 50."""

    @property
    def may_stop(self) -> bool:
        """Whether one of them may end the training."""
        return "stop" in self.model_dump().values()


SENTINELS = tuple(
    name
    for name, field in Sentinels.model_fields.items()
    if get_args(field.annotation) == get_args(Action)
)
"""Names of all sentinels."""
