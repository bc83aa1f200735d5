"""Some of the transitions of a data set: the best episodes, or those outside a hole."""

import math

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions


def best_episodes(transitions: Transitions, share: float, discount: float) -> Transitions:
    """Return the episodes of highest return, at least one; ties go to the earlier episode."""
    returns = transitions.returns(discount)
    kept = max(1, math.ceil(share * len(returns) - 1e-9))
    best = np.sort(np.argsort(-returns, kind="stable")[:kept])
    return transitions.episodes(best)


def without_region(
    transitions: Transitions, low: NDArray[np.float64], high: NDArray[np.float64]
) -> Transitions:
    """Return the transitions whose first observation dimensions are outside a box (a hole test).

    What is left of an episode keeps its order; where rows were cut out, the rows before end it as
    a time limit does.

    Raises:
        UserError: nothing is left, or the box has more dimensions than observations.
    """
    if len(low) != len(high) or len(low) > transitions.observations.shape[1]:
        raise UserError(
            f"The hole has {len(low)} and {len(high)} bounds, and observations have "
            f"{transitions.observations.shape[1]} dimensions: name one pair for each of the first."
        )
    place = transitions.observations[:, : len(low)]
    inside = np.asarray(((place >= low) & (place <= high)).all(axis=1))
    if inside.all():
        raise UserError("The hole holds every transition of the data set: make it smaller.")
    return transitions.rows(np.logical_not(inside))
