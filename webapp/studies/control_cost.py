"""How long jobs of control take: units of work, and which earlier jobs are alike; pure."""

import json
from collections.abc import Mapping
from typing import Any

_UNITS = {
    "collect": "amount",
    "train_behaviour": "steps",
    "train_control": "settings",
    "train_score": "settings",
    "train_inverse_dynamics": "settings",
    "evaluate_control": "episodes",
}
_ALIKE = {
    "collect": ("environment", "unit"),
    "train_behaviour": ("environment", "algorithm", "hidden_size"),
    "train_control": ("algorithm", "params"),
    "train_score": ("params",),
    "train_inverse_dynamics": ("params",),
    "evaluate_control": ("environment", "correction"),
}
"""Settings that jobs of equal speed share."""
CONTROL_TIMED = tuple(_UNITS)
"""Kinds whose time is worth telling; others take seconds."""


def units_of(kind: str, spec: Mapping[str, Any]) -> float:
    """Return the amount of work of a job: episodes, steps, or updates of all seeds side by side."""
    found = spec[_UNITS[kind]]
    if not isinstance(found, Mapping):
        return float(found)
    return float(found["steps"] * found.get("parallel_seeds", 1))


def alike(kind: str, spec: Mapping[str, Any]) -> str:
    """Return a text that jobs of about the same speed per unit share."""
    return json.dumps({name: spec[name] for name in _ALIKE[kind]}, sort_keys=True)
