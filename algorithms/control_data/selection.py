"""Some of the transitions of a data set: the best episodes, or those outside a region."""

import math

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions
from algorithms.control_derived_specs import LeaveOutSpec


def best_episodes(transitions: Transitions, share: float, discount: float) -> Transitions:
    """Return the episodes of highest return, at least one; ties go to the earlier episode."""
    returns = transitions.returns(discount)
    kept = max(1, math.ceil(share * len(returns) - 1e-9))
    best = np.sort(np.argsort(-returns, kind="stable")[:kept])
    return transitions.episodes(best)


def in_region(transitions: Transitions, spec: LeaveOutSpec) -> NDArray[np.bool_]:
    """Return which steps are in a region [N].

    Raises:
        UserError: the region names a dimension that observations do not have.
    """
    size = transitions.observations.shape[1]
    beyond = [bounds.dimension for bounds in spec.region if bounds.dimension >= size]
    if beyond:
        raise UserError(
            f"The region names dimension {beyond[0]}, and observations have {size}, numbered from "
            f"0 to {size - 1}."
        )
    inside = _inside(transitions.observations, spec)
    return (
        inside | _inside(transitions.next_observations, spec)
        if spec.touching == "either"
        else inside
    )


def _inside(observations: NDArray[np.float32], spec: LeaveOutSpec) -> NDArray[np.bool_]:
    inside = np.ones(len(observations), bool)
    for bounds in spec.region:
        values = observations[:, bounds.dimension]
        if bounds.low is not None:
            inside &= values >= bounds.low
        if bounds.high is not None:
            inside &= values <= bounds.high
    return inside


def without_region(transitions: Transitions, spec: LeaveOutSpec) -> Transitions:
    """Return the transitions outside a region of the state space (a hole test).

    What is left of an episode keeps its order; where steps were left out, the step before ends it
    as a time limit does, and what follows them is an episode of its own.

    Raises:
        UserError: nothing is left, nothing is left out, or observations have fewer dimensions.
    """
    inside = in_region(transitions, spec)
    if inside.all():
        raise UserError("The region holds every step of the data set: make it smaller.")
    if not inside.any():
        raise UserError(
            "The region holds no step of the data set, so nothing would be left out. Bounds are in "
            "the environment's units: compare them with the states on the data set's page."
        )
    return transitions.rows(np.logical_not(inside))
