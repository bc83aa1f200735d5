"""What the bandit's figures draw: the policies of one algorithm over its updates."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Trajectory:
    """Policies of one choice after so many updates, and their expected rewards."""

    label: str
    algorithm: str
    variant: int
    updates: Sequence[int]
    policies: Sequence[Sequence[float]]
    rewards: Sequence[float]
