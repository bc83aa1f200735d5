"""From an environment's units to those of networks, and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions

DEVIATION_OFFSET = 1e-3
"""Added to deviations, as in CORL: a dimension that hardly moves must not blow up."""
CONSTANT = 1e-6
"""A dimension whose deviation is below it is constant."""


@dataclass(frozen=True)
class Scaling:
    """Shift and factor of observations and actions, and which observation dimensions count."""

    mean: NDArray[np.float32]
    """[O], of the observation dimensions that count."""
    deviation: NDArray[np.float32]
    """[O]; offset included."""
    low: NDArray[np.float32]
    """[A], of actions."""
    high: NDArray[np.float32]
    kept: NDArray[np.bool_]
    """[all observation dimensions]; False for the constant ones that are left out."""

    @classmethod
    def of(
        cls, transitions: Transitions, *, normalise: bool = True, drop_constant: bool = False
    ) -> "Scaling":
        """Return the scaling that a data set asks for.

        Raises:
            UserError: no observation dimension is left, or an action has no range.
        """
        observations = transitions.observations.astype(np.float64)
        deviation = observations.std(axis=0)
        kept = deviation >= CONSTANT if drop_constant else np.ones(len(deviation), bool)
        if not kept.any():
            raise UserError(
                "Every observation dimension of the data set is constant: nothing can be learned "
                "from where the data are dense. Check the file."
            )
        low, high = transitions.action_low, transitions.action_high
        if not (high > low).all():
            raise UserError(
                "An action dimension has no range (its smallest and largest value are equal). "
                "Give the bounds of the environment with the data."
            )
        mean = observations.mean(axis=0)[kept] if normalise else np.zeros(int(kept.sum()))
        scale = deviation[kept] + DEVIATION_OFFSET if normalise else np.ones(int(kept.sum()))
        return cls(
            mean.astype(np.float32), scale.astype(np.float32), np.array(low), np.array(high), kept
        )

    def observations(self, raw: NDArray[np.float32]) -> Float[Tensor, "N O"]:
        """Return observations as networks see them."""
        return torch.from_numpy((raw[:, self.kept] - self.mean) / self.deviation)

    def actions(self, raw: NDArray[np.float32]) -> Float[Tensor, "N A"]:
        """Return actions scaled to [-1, 1]."""
        middle, half = self._range()
        return torch.from_numpy((raw - middle) / half)

    def environment_actions(self, actions: Tensor) -> NDArray[np.float32]:
        """Return actions in the environment's units, within its bounds."""
        middle, half = self._range()
        scaled: NDArray[np.float32] = actions.cpu().numpy() * half + middle
        return np.clip(scaled, self.low, self.high)

    def _range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        return middle.astype(np.float32), half.astype(np.float32)

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "kept": self.kept.tolist(),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Scaling":
        """Return what `record` wrote."""
        names = ("mean", "deviation", "low", "high")
        mean, deviation, low, high = (np.array(record[name], np.float32) for name in names)
        return cls(mean, deviation, low, high, np.array(record["kept"], bool))
