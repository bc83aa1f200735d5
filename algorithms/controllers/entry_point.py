"""Policies of others as Python: a function that the administrator has allowed by name.

This is the only kind of policy that runs somebody's code, so it is off unless the administrator
lists the function, and a policy keeps the hash of the source that it was made with.
"""

import hashlib
import importlib
import importlib.util
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.controllers.base import bounded

ENTRY_POINTS_VARIABLE = "LAB_POLICY_ENTRY_POINTS"
"""Functions that make policies, as package.module:function, separated by commas; empty: none."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

Act = Callable[[NDArray[np.float32]], Any]


def allowed_entry_points() -> tuple[str, ...]:
    """Return the functions that the administrator has allowed."""
    listed = os.environ.get(ENTRY_POINTS_VARIABLE, "").split(",")
    return tuple(name.strip() for name in listed if name.strip())


def require_allowed(name: str) -> None:
    """Let functions through that the administrator has listed.

    Raises:
        UserError: it is not one of them, or not the name of a function.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} is not an entry point: write it as package.module:function.")
    if name not in allowed_entry_points():
        raise UserError(
            f"The entry point {name!r} is not allowed here. It would run code on the worker, so "
            f"the administrator lists allowed ones in the variable {ENTRY_POINTS_VARIABLE}."
        )


def source_sha256(name: str) -> str:
    """Return the hash of the source file of an allowed entry point's module.

    Raises:
        UserError: it is not allowed, or there is no such module.
    """
    require_allowed(name)
    module = name.partition(":")[0]
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise UserError(f"The module {module} is not installed on this worker: {error}.") from error
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise UserError(f"The module {module} is not installed on this worker.")
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()


class EntryPoint:
    """What an allowed function made: observations [n, O] in, actions [n, A] out, in its units."""

    def __init__(self, act: Act, record: Mapping[str, Any]) -> None:
        self._act = act
        self._name = str(record["entry_point"])
        self.low = np.array(record["low"], np.float32)
        self.high = np.array(record["high"], np.float32)

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> "EntryPoint":
        """Call the function with the environment's name and return what acts.

        Raises:
            UserError: it is not allowed (any more), not there, or its source has changed.
        """
        name = str(record["entry_point"])
        if source_sha256(name) != record["source_sha256"]:
            raise UserError(
                f"The source of {name} has changed since this policy was made from it: make the "
                "policy again, so that figures tell the two apart."
            )
        module, _, function = name.partition(":")
        make = getattr(importlib.import_module(module), function, None)
        if not callable(make):
            raise UserError(f"The module {module} has no function {function}.")
        act = make(record["environment"])
        if not callable(act):
            raise UserError(f"{name} must return a function from observations to actions.")
        return cls(act, record)

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the function's actions, within the bounds.

        Raises:
            UserError: its answer is not an array of numbers of the right shape.
        """
        actions = np.asarray(self._act(observations))
        if actions.shape != (len(observations), len(self.low)) or actions.dtype.kind not in "fiu":
            raise UserError(
                f"{self._name} must give {len(self.low)} numbers per observation, and gave "
                f"{actions.dtype} of shape {actions.shape} for {len(observations)}."
            )
        return bounded(actions, self)
