"""A policy whose actions are corrected, and how far they are from the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algorithms.control.cdsa import Correction, Score, Step
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.indicator import ood_indicator
from algorithms.controllers.base import Controller


@dataclass(frozen=True)
class Trace:
    """Sums over the steps of each of N episodes."""

    shifts: NDArray[np.float64]
    """Length of the correction, with actions in [-1, 1]."""
    ood_before: NDArray[np.float64]
    """Indicator of actions outside the data, before the correction."""
    ood_after: NDArray[np.float64]
    """After it; without a correction the same."""

    @classmethod
    def empty(cls, episodes: int) -> "Trace":
        """Return sums of nothing."""
        return cls(np.zeros(episodes), np.zeros(episodes), np.zeros(episodes))


@dataclass(frozen=True)
class WalkStep:
    """One correction of one action, actions in [-1, 1]."""

    level: float
    """Noise level of the score."""
    action_part: NDArray[np.float32]
    """[A]; what the action part of the score added, before limits."""
    state_part: NDArray[np.float32]
    """[A]; what the auxiliary action added, before limits."""
    action: NDArray[np.float32]
    """[A]; the action after it."""
    ood: float | None
    """Indicator there; None without a score network."""


@dataclass(frozen=True)
class Walk:
    """How one action came about."""

    start: NDArray[np.float32]
    """[A]; the policy's action, in [-1, 1]."""
    ood: float | None
    """Indicator of it."""
    steps: tuple[WalkStep, ...]
    action: NDArray[np.float32]
    """[A]; in the environment's units, what `act` returns."""


class Traced:
    """A controller, corrected or not, that remembers what its actions were like."""

    def __init__(
        self,
        inner: Controller,
        scaling: Scaling | None = None,
        *,
        correction: Correction | None = None,
        score: Score | None = None,
        ood_level: float = 0.2,
    ) -> None:
        """Wrap a controller.

        Args:
            scaling: Of the networks; needed with a correction or a score.
            score: Of observations and actions, for the indicator; None measures none.
        """
        self._inner = inner
        self._scaling = scaling
        self._correction = correction
        self._score = score
        self._level = ood_level
        self.low, self.high = inner.low, inner.high
        self.traces: list[Trace] = []
        """One for each time that episodes were begun."""

    @property
    def measures_ood(self) -> bool:
        """Whether traces hold the indicator."""
        return self._score is not None

    def start(self, seeds: Sequence[int], horizon: int) -> None:
        """Begin episodes."""
        self._inner.start(seeds, horizon)
        self.traces.append(Trace.empty(len(seeds)))

    @torch.no_grad()
    def act(
        self, observations: NDArray[np.float32], episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the (corrected) actions."""
        actions = self._inner.act(observations, episodes)
        if self._scaling is None:
            return actions
        seen = self._scaling.observations(observations)
        given = self._scaling.actions(actions).clamp(-1, 1)
        trace = self.traces[-1]
        before = self._indicator(seen, given)
        trace.ood_before[episodes] += before
        if self._correction is None or self._correction.changes_nothing:
            trace.ood_after[episodes] += before
            return actions
        corrected = self._correction.correct(seen, given).actions
        trace.shifts[episodes] += (corrected - given).norm(dim=-1).numpy()
        trace.ood_after[episodes] += self._indicator(seen, corrected)
        return self._scaling.environment_actions(corrected)

    @torch.no_grad()
    def walk(self, observation: NDArray[np.float32]) -> Walk:
        """Return how the action at one observation [O] comes about; begins an episode for it.

        Raises:
            ValueError: there are no networks, so nothing is known of actions in [-1, 1].
        """
        if self._scaling is None:
            raise ValueError("a walk needs a score network or a dynamics model")
        self._inner.start([0], 1)
        actions = self._inner.act(observation[None], np.zeros(1, np.int64))
        seen = self._scaling.observations(observation[None])
        given = self._scaling.actions(actions).clamp(-1, 1)
        steps: tuple[WalkStep, ...] = ()
        if self._correction is not None and not self._correction.changes_nothing:
            steps = tuple(self._told(seen, step) for step in self._correction.steps(seen, given))
            last = torch.from_numpy(steps[-1].action)[None]
            actions = self._scaling.environment_actions(last)
        return Walk(given[0].numpy(), self._ood(seen, given), steps, actions[0])

    def _told(self, seen: Tensor, step: Step) -> WalkStep:
        parts = (step.action_part[0].numpy(), step.state_part[0].numpy(), step.actions[0].numpy())
        return WalkStep(step.level, *parts, self._ood(seen, step.actions))

    def _ood(self, seen: Tensor, actions: Tensor) -> float | None:
        return float(self._indicator(seen, actions)[0]) if self.measures_ood else None

    def _indicator(self, seen: Tensor, actions: Tensor) -> NDArray[np.float32]:
        if self._score is None:
            return np.zeros(len(seen), np.float32)
        found: NDArray[np.float32] = ood_indicator(self._score, seen, actions, self._level).numpy()
        return found
