"""What an evaluation of a policy for control leaves behind: episodes, risk, trajectories."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError

if TYPE_CHECKING:
    from algorithms.environments.episodes import Rollout

EPISODES_FILE = "episodes.parquet"
RISK_FILE = "risk.json"
TRAJECTORIES_FILE = "trajectories.npz"

EPISODES = pa.schema(
    [
        ("episode", pa.int32()),
        ("reset_seed", pa.int64()),
        ("return", pa.float64()),
        ("length", pa.int32()),
        ("danger_steps", pa.int32()),
        ("terminated", pa.bool_()),
        ("shift_mean", pa.float64()),
        ("ood_before_mean", pa.float64()),
        ("ood_after_mean", pa.float64()),
    ]
)
"""A row per episode. shift_mean: mean length of the correction per step, actions in [-1, 1], 0
without one. ood_*: mean indicator per step before and after it, null without a score network."""


@dataclass(frozen=True)
class Trajectory:
    """Every step of one episode."""

    observations: NDArray[np.float32]
    """[T, O], those that were acted on."""
    actions: NDArray[np.float32]
    """[T, A]."""
    rewards: NDArray[np.float64]
    """[T]."""
    danger: NDArray[np.bool_]
    """[T]; whether the step began in a danger zone."""


def save_trajectories(folder: Path, rollouts: Sequence["Rollout"], count: int) -> None:
    """Write every step of the first episodes; rollouts without steps give none."""
    found: dict[str, NDArray[np.generic]] = {}
    number = 0
    for rollout in rollouts:
        if not rollout.episode:
            break
        for place in range(min(len(rollout.returns), count - number)):
            rows = [np.flatnonzero(moving == place) for moving in rollout.episode]
            length = int(rollout.lengths[place])
            at = [int(row[0]) for row in rows[:length]]
            steps = range(length)
            found[f"{number}.observations"] = np.stack(
                [rollout.observations[step][at[step]] for step in steps]
            )
            found[f"{number}.actions"] = np.stack(
                [rollout.actions[step][at[step]] for step in steps]
            )
            moved = rollout.moved
            found[f"{number}.rewards"] = np.array([moved[s].rewards[at[s]] for s in steps])
            found[f"{number}.danger"] = np.array([moved[s].danger[at[s]] for s in steps])
            number += 1
    np.savez_compressed(folder / TRAJECTORIES_FILE, allow_pickle=False, **found)


def load_trajectories(folder: Path) -> list[Trajectory]:
    """Return the kept episodes of an evaluation.

    Raises:
        CorruptArtifactError: the file is missing or damaged.
    """
    try:
        with np.load(folder / TRAJECTORIES_FILE, allow_pickle=False) as stored:
            count = len({name.partition(".")[0] for name in stored.files})
            parts = ("observations", "actions", "rewards", "danger")
            return [
                Trajectory(*(stored[f"{number}.{part}"] for part in parts))
                for number in range(count)
            ]
    except (OSError, ValueError, KeyError) as error:
        raise CorruptArtifactError(f"{folder.name} holds no trajectories: {error}.") from error


def load_episodes(folder: Path) -> pa.Table:
    """Return the table of episodes of an evaluation.

    Raises:
        CorruptArtifactError: the file is missing or damaged.
    """
    try:
        return pq.read_table(folder / EPISODES_FILE, schema=EPISODES)
    except (OSError, pa.ArrowException) as error:
        raise CorruptArtifactError(f"{folder.name} holds no episodes: {error}.") from error
