"""From a file of others to transitions in our layout: what the job and the upload page share."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from algorithms.control_data.reading import Raw
from algorithms.control_data.references import known_reference, record
from algorithms.control_data.transitions import Transitions
from algorithms.control_data.validation import BadTransitionsError, checked
from algorithms.control_specs import TransitionsSpec
from algorithms.environments.shapes import SHAPES
from algorithms.environments.table import ENVIRONMENTS, known_environment


def imported(raw: Raw, spec: TransitionsSpec) -> Transitions:
    """Return the checked transitions of a file with their metadata; no simulator is needed.

    Raises:
        BadTransitionsError: something about the file, or a setting, is wrong; it names which.
        UserError: there is no such environment.
    """
    environment = spec.environment or (raw.environment if raw.environment in ENVIRONMENTS else "")
    low, high = _bounds(spec, raw, environment)
    metadata: dict[str, Any] = {
        "environment": environment,
        "action_low": low,
        "action_high": high,
        "reference": record(known_reference(environment, spec.reference, raw.name)),
        "provenance": {"imported": spec.model_dump(mode="json"), "name": raw.name},
    }
    data = checked(raw.arrays, metadata, episode_steps=spec.episode_steps)
    if environment:
        _fits(environment, data.observations.shape[1], data.actions.shape[1])
    return data


def shapes_of(raw: Raw) -> Mapping[str, str]:
    """Return the shape and type of each array of a file, in words."""
    return {
        name: f"{' x '.join(f'{size:,}' for size in values.shape)}, {values.dtype}"
        for name, values in raw.arrays.items()
    }


def _bounds(spec: TransitionsSpec, raw: Raw, environment: str) -> tuple[list[float], list[float]]:
    """Return the bounds of each action dimension: typed, of the environment, or [-1, 1]."""
    actions = raw.arrays.get("actions")
    size = actions.shape[1] if actions is not None and actions.ndim == 2 else 1
    widest = 1.0
    if environment:
        known_environment(environment)
        widest = SHAPES[environment].action_high
    low = -widest if spec.action_low is None else spec.action_low
    high = widest if spec.action_high is None else spec.action_high
    if low >= high:
        raise BadTransitionsError(
            f"Actions cannot range from {low:g} to {high:g}: the largest must be above the "
            "smallest.",
            field="action_high",
        )
    return np.full(size, low).tolist(), np.full(size, high).tolist()


def _fits(environment: str, observations: int, actions: int) -> None:
    shape = SHAPES[environment]
    if (observations, actions) != (shape.observation_size, shape.action_size):
        raise BadTransitionsError(
            f"The data have {observations} observation and {actions} action dimensions, and "
            f"{environment} has {shape.observation_size} and {shape.action_size}: they are of "
            "another environment or version. Leave the environment empty to use the data without "
            "evaluations.",
            field="environment",
        )
