"""Transitions: the arrays that offline control learns from, under D4RL's names on disk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError, UserError

TRANSITIONS_FILE = "transitions.npz"
METADATA_FILE = "metadata.json"
ARRAYS = (
    "observations", "actions", "rewards", "next_observations", "terminals", "timeouts",
)  # fmt: skip
"""Arrays of `transitions.npz`, in D4RL's names."""


@dataclass(frozen=True)
class Transitions:
    """N transitions in the order of their episodes; actions in the environment's units."""

    observations: NDArray[np.float32]
    """[N, O]."""
    actions: NDArray[np.float32]
    """[N, A]."""
    rewards: NDArray[np.float32]
    """[N]."""
    next_observations: NDArray[np.float32]
    """[N, O]."""
    terminated: NDArray[np.bool_]
    """[N]; the episode ended there and nothing follows."""
    truncated: NDArray[np.bool_]
    """[N]; the episode was cut there, by a time limit."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Environment, action bounds, reference returns, provenance; JSON."""

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def action_low(self) -> NDArray[np.float32]:
        """Smallest action of each dimension, -1 where the data do not say."""
        return self._bound("action_low", -1.0)

    @property
    def action_high(self) -> NDArray[np.float32]:
        """Largest action of each dimension, 1 where the data do not say."""
        return self._bound("action_high", 1.0)

    def _bound(self, name: str, default: float) -> NDArray[np.float32]:
        stored = self.metadata.get(name, default)
        return np.broadcast_to(np.float32(stored), self.actions.shape[1:])

    @property
    def environment(self) -> str:
        """Id of the environment; empty where the data do not say."""
        return str(self.metadata.get("environment", ""))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Row after the last one of each episode; rows after the last end are an episode too."""
        ends = np.flatnonzero(self.terminated | self.truncated) + 1
        if not ends.size or ends[-1] != len(self):
            ends = np.append(ends, len(self))
        return ends.astype(np.int64)

    @property
    def starts(self) -> NDArray[np.int64]:
        """First row of each episode."""
        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each episode."""
        return self.ends - self.starts

    def returns(self, discount: float = 1.0) -> NDArray[np.float64]:
        """Return the sum of (discounted) rewards of each episode."""
        rewards = self.rewards.astype(np.float64)
        if discount != 1:
            step = np.arange(len(self)) - np.repeat(self.starts, self.lengths)
            rewards = rewards * discount**step
        return np.add.reduceat(rewards, self.starts)

    def rows(self, kept: NDArray[np.bool_]) -> "Transitions":
        """Return the rows where `kept` is True; gaps inside an episode end it like a time limit."""
        gap_follows = np.append(kept[:-1] & ~kept[1:], False)
        truncated = (self.truncated | gap_follows) & ~self.terminated
        return replace(
            self,
            observations=self.observations[kept],
            actions=self.actions[kept],
            rewards=self.rewards[kept],
            next_observations=self.next_observations[kept],
            terminated=self.terminated[kept],
            truncated=truncated[kept],
        )

    def episodes(self, chosen: NDArray[np.int64]) -> "Transitions":
        """Return some whole episodes, by number from 0."""
        kept = np.zeros(len(self.ends), bool)
        kept[chosen] = True
        return self.rows(np.repeat(kept, self.lengths))

    def save(self, folder: Path) -> None:
        """Write `transitions.npz` and `metadata.json`."""
        arrays = self.arrays()
        # No compression: a training maps a million rows in a second, and floats do not shrink.
        np.savez(folder / TRANSITIONS_FILE, allow_pickle=False, **arrays)
        text = json.dumps(dict(self.metadata), indent=1, allow_nan=False)
        (folder / METADATA_FILE).write_text(text, encoding="utf-8")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by D4RL's names."""
        values = (
            self.observations, self.actions, self.rewards, self.next_observations,
            self.terminated, self.truncated,
        )  # fmt: skip
        return dict(zip(ARRAYS, values, strict=True))


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of an artifact.

    Raises:
        CorruptArtifactError: they are missing or no JSON.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(
            f"{path.parent.name} holds no readable transitions: {error}. Compute the job again."
        ) from error
    return found


def load_transitions(folder: Path) -> Transitions:
    """Return the transitions of an artifact.

    Raises:
        CorruptArtifactError: a file is missing or is not what the job wrote.
    """
    metadata = read_metadata(folder / METADATA_FILE)
    try:
        with np.load(folder / TRANSITIONS_FILE, allow_pickle=False) as stored:
            observations, actions, rewards, following, terminated, truncated = (
                stored[name] for name in ARRAYS
            )
    except (OSError, ValueError, KeyError) as error:
        raise CorruptArtifactError(
            f"{folder.name} holds no readable transitions: {error}. Compute the job again."
        ) from error
    return Transitions(observations, actions, rewards, following, terminated, truncated, metadata)


def concatenate(parts: list[Transitions], metadata: Mapping[str, Any]) -> Transitions:
    """Return all parts one behind the other; each part's last row ends an episode.

    Raises:
        UserError: there is no part, or they are of different environments.
    """
    if not parts:
        raise UserError("There are no transitions to put together: name at least one part.")
    shapes = {(part.observations.shape[1], part.actions.shape[1]) for part in parts}
    names = {part.environment for part in parts} - {""}
    if len(shapes) > 1 or len(names) > 1:
        found = ", ".join(sorted(names)) or "unnamed"
        raise UserError(
            f"Data of different environments cannot be one data set: {found}, with (observation, "
            f"action) sizes {sorted(shapes)}. Make one data set of each."
        )
    closed = [_closed(part) for part in parts]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in closed])
        for name in (
            "observations", "actions", "rewards", "next_observations", "terminated", "truncated",
        )
    }  # fmt: skip
    return Transitions(**arrays, metadata=metadata)


def _closed(part: Transitions) -> Transitions:
    truncated = part.truncated.copy()
    truncated[-1] |= not part.terminated[-1]
    return replace(part, truncated=truncated)
