"""Raw arrays under D4RL's names -> Transitions, or a sentence that says what is wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions


class BadTransitionsError(UserError):
    """What is wrong with a data set, and which setting of its import is about it."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
        """A field of `TransitionsSpec`; empty where it is the file itself."""


REQUIRED = ("observations", "actions", "rewards", "terminals")
LONGEST_EPISODE = 100_000
"""A longer stretch without an end is taken for data without episode ends."""
TOLERANCE = 1e-4
"""Actions may be this much beyond their bounds, relative to the range: rounding of float32."""


def checked(
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, Any],
    *,
    episode_steps: int | None = None,
) -> Transitions:
    """Return transitions in our layout.

    Time-outs and terminations stay apart. Where `next_observations` are absent they are the next
    row's observations, and the last step of a time-out, whose successor nobody stored, is left
    out.

    Args:
        metadata: Has `action_low` and `action_high` per dimension.
        episode_steps: Cuts episodes after so many steps, for data without `timeouts`.

    Raises:
        BadTransitionsError: keys, shapes, numbers, bounds or episode ends are not as in D4RL.
    """
    _keys_and_shapes(arrays)
    observations = _matrix(arrays["observations"])
    actions = _matrix(arrays["actions"])
    rewards = np.asarray(arrays["rewards"], np.float32).reshape(-1)
    terminated = np.asarray(arrays["terminals"]).astype(bool).reshape(-1)
    truncated = _timeouts(arrays, terminated, episode_steps) & ~terminated
    _finite({"observations": observations, "actions": actions, "rewards": rewards})
    following, known = _successors(arrays, observations, terminated | truncated)
    _finite({"next_observations": following[known]})
    data = Transitions(
        observations, actions, rewards, following, terminated, truncated, dict(metadata)
    )
    _bounds(data)
    _ends(data)
    # A step whose successor was not stored ends the rows before it like a time limit.
    return data if known.all() else data.rows(known)


def _keys_and_shapes(arrays: Mapping[str, NDArray[Any]]) -> None:
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        found = ", ".join(sorted(arrays)) or "nothing that D4RL's files have"
        raise BadTransitionsError(
            f"The file has no {', '.join(missing)}; it has {found}. D4RL's names are needed: "
            f"{', '.join(REQUIRED)}, and usually timeouts."
        )
    count = len(arrays["observations"])
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise BadTransitionsError(f"The arrays must be equally long, one row per step: {listed}.")
    if not count:
        raise BadTransitionsError("The file holds no transitions.")
    for name in ("observations", "actions"):
        values = arrays[name]
        if values.ndim != 2 or values.dtype.kind not in "fiu":
            raise BadTransitionsError(
                f"{name} must be numbers of shape (steps, dimensions) and are {values.dtype} of "
                f"shape {values.shape}. "
                + ("Discrete actions are not for this laboratory." if name == "actions" else "")
            )
    for name in ("rewards", "terminals", "timeouts"):
        if name in arrays and arrays[name].size != count:
            raise BadTransitionsError(
                f"{name} must be one number per step and is of shape {arrays[name].shape}."
            )


def _matrix(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)


def _finite(arrays: Mapping[str, NDArray[np.float32]]) -> None:
    for name, values in arrays.items():
        bad = ~np.isfinite(values)
        if bad.any():
            row = int(np.argwhere(bad)[0][0])
            raise BadTransitionsError(
                f"{name} holds {int(bad.sum()):,} numbers that are NaN or infinite, the first in "
                f"row {row:,}. Remove those episodes from the file."
            )


def _timeouts(
    arrays: Mapping[str, NDArray[Any]], terminated: NDArray[np.bool_], episode_steps: int | None
) -> NDArray[np.bool_]:
    if "timeouts" in arrays:
        return np.asarray(arrays["timeouts"]).astype(bool).reshape(-1)
    truncated = np.zeros(len(terminated), bool)
    if episode_steps is None:
        return truncated
    length = 0
    for row, ended in enumerate(terminated):
        length += 1
        truncated[row] = length == episode_steps and not ended
        length = 0 if ended or truncated[row] else length
    return truncated


def _successors(
    arrays: Mapping[str, NDArray[Any]], observations: NDArray[np.float32], ends: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the next observations, and which of them are known."""
    if "next_observations" in arrays:
        following = _matrix(arrays["next_observations"])
        if following.shape != observations.shape:
            raise BadTransitionsError(
                f"next_observations have the shape {following.shape}, observations "
                f"{observations.shape}: they must be equal."
            )
        return following, np.ones(len(observations), bool)
    following = np.concatenate([observations[1:], observations[-1:]])
    terminated = np.asarray(arrays["terminals"]).astype(bool).reshape(-1)
    # Nothing is learned from what follows a termination, so any row will do there.
    known = ~ends | terminated
    known[-1] &= terminated[-1]
    if not known.any():
        raise BadTransitionsError(
            "No transition is left: every step ends its episode, and the file has no "
            "next_observations."
        )
    return following, known


def _bounds(data: Transitions) -> None:
    slack = TOLERANCE * (data.action_high - data.action_low)
    beyond = (data.actions < data.action_low - slack) | (data.actions > data.action_high + slack)
    if beyond.any():
        row, dimension = (int(place) for place in np.argwhere(beyond)[0])
        side = "low" if data.actions[row, dimension] < data.action_low[dimension] else "high"
        raise BadTransitionsError(
            f"{int(beyond.sum()):,} actions are out of bounds, the first in row {row:,}: "
            f"{data.actions[row, dimension]:.4g} in dimension {dimension}, bounds "
            f"{data.action_low[dimension]:.4g} to {data.action_high[dimension]:.4g}. Name the "
            "environment or the bounds that the data were collected with.",
            field=f"action_{side}",
        )


def _ends(data: Transitions) -> None:
    longest = int(data.lengths.max())
    if not (data.terminated | data.truncated).any():
        raise BadTransitionsError(
            "No episode ever ends: neither terminals nor timeouts are set. Give the number of "
            "steps after which episodes were cut (episode_steps).",
            field="episode_steps",
        )
    if longest > LONGEST_EPISODE:
        raise BadTransitionsError(
            f"An episode has {longest:,} steps: its end seems to be missing. Give the number of "
            "steps after which episodes were cut (episode_steps).",
            field="episode_steps",
        )
