"""How rewards are scaled before an algorithm learns from them."""

from dataclasses import replace
from typing import Literal

import numpy as np

from algorithms.base import UserError
from algorithms.control_base import ControlParams
from algorithms.control_data.transitions import Transitions

RETURN_STEPS = 1000
"""MuJoCo's episodes have at most 1000 steps; CORL scales returns to this range."""


class RewardParams(ControlParams):
    """What the settings of algorithms that read rewards have."""

    rewards: Literal["raw", "return_range", "minus_one", "times_ten_minus_five"] = "raw"
    """raw, r 1000 / (best return - worst return) for MuJoCo, r - 1 or 10 r - 5 for AntMaze."""


def scaled_rewards(transitions: Transitions, params: RewardParams) -> Transitions:
    """Return the transitions with the rewards that the algorithm asks for.

    Raises:
        UserError: all complete episodes have one return, so that there is no range.
    """
    rewards = transitions.rewards
    match params.rewards:
        case "raw":
            return transitions
        case "return_range":
            returns = transitions.returns()
            spread = float(returns.max() - returns.min()) if returns.size else 0.0
            if spread <= 0:
                raise UserError(
                    "Rewards cannot be scaled by the range of returns: all episodes of the data "
                    "set have the same return. Choose rewards = raw."
                )
            scaled = rewards * (RETURN_STEPS / spread)
        case "minus_one":
            scaled = rewards - 1
        case "times_ten_minus_five":
            scaled = rewards * 10 - 5
    return replace(transitions, rewards=scaled.astype(np.float32))
