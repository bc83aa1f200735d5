"""A policy whose actions are corrected, and how far they are from the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algorithms.control.cdsa import Correction, Score, ood_indicator
from algorithms.control_data.scaling import Scaling
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

    def _indicator(self, seen: Tensor, actions: Tensor) -> NDArray[np.float32]:
        if self._score is None:
            return np.zeros(len(seen), np.float32)
        found: NDArray[np.float32] = ood_indicator(self._score, seen, actions, self._level).numpy()
        return found
