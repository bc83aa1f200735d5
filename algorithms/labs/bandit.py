"""The bandit of both papers: one prompt, one token per arm, and every completion of it at once."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from algorithms.base import Schema

MAX_ARMS = 6
MAX_UPDATES = 200_000
COMPLETIONS = 100
"""Completions that realise the behaviour policy exactly: each arm's share is so many of them."""

Share = Annotated[float, Field(ge=0, le=1)]


class Bandit(Schema):
    """Arms with rewards, the policy that pulled them, and how the new policy starts and moves."""

    behaviour: tuple[Share, ...] = Field((0.3, 0.6, 0.1), min_length=2, max_length=MAX_ARMS)
    """mu of each arm: whole percents that add up to 1, so that 100 completions realise it."""
    rewards: tuple[Annotated[float, Field(ge=-1e6, le=1e6)], ...] = Field(
        (0.0, 0.8, 1.0), min_length=2, max_length=MAX_ARMS
    )
    """R of each arm."""
    start: Literal["behaviour", "uniform", "typed"] = "behaviour"
    """Where the policy starts: at the behaviour policy, at equal shares, or at what is typed."""
    start_policy: tuple[Share, ...] = Field((), max_length=MAX_ARMS)
    """pi of each arm before the first update, for a typed start."""
    step_size: float = Field(0.1, gt=0, le=1000)
    """Step of plain gradient descent on the logits."""
    updates: int = Field(20_000, ge=1, le=MAX_UPDATES)
    """Updates of the policy; the behaviour policy stays as it is."""

    @model_validator(mode="after")
    def _arms_fit(self) -> Self:
        if len(self.rewards) != len(self.behaviour):
            raise ValueError(f"{len(self.behaviour)} arms need as many rewards")
        percents = [share * COMPLETIONS for share in self.behaviour]
        if any(abs(value - round(value)) > 1e-6 or round(value) < 1 for value in percents):
            raise ValueError(
                "the behaviour policy must give each arm whole percents, 1 % at least: "
                f"{COMPLETIONS} completions realise it exactly"
            )
        _must_add_up("behaviour policy", self.behaviour)
        if self.start == "typed":
            if len(self.start_policy) != len(self.behaviour):
                raise ValueError(f"{len(self.behaviour)} arms need as many starting probabilities")
            if min(self.start_policy) <= 0:
                raise ValueError("a starting probability of 0 has no logit: give it 1e-6, say")
            _must_add_up("start policy", self.start_policy)
        return self

    @property
    def counts(self) -> tuple[int, ...]:
        """Completions of each arm among all."""
        return tuple(round(share * COMPLETIONS) for share in self.behaviour)

    @property
    def first_policy(self) -> tuple[float, ...]:
        """The policy before the first update."""
        if self.start == "typed":
            return self.start_policy
        if self.start == "uniform":
            return (1 / len(self.behaviour),) * len(self.behaviour)
        return self.behaviour

    @property
    def best_arm(self) -> int:
        """The arm of the highest reward, the first of several."""
        return max(range(len(self.rewards)), key=self.rewards.__getitem__)

    def expected_reward(self, policy: tuple[float, ...]) -> float:
        """Return E[r] under a policy."""
        return math.fsum(share * reward for share, reward in zip(policy, self.rewards, strict=True))


def _must_add_up(what: str, shares: tuple[float, ...]) -> None:
    total = math.fsum(shares)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"the probabilities of the {what} add up to {total:.6g}, not to 1")
