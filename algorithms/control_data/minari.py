"""Minari's data sets, read straight from their HDF5 file: no Minari, no network."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError

MAIN_FILE = "main_data.hdf5"
METADATA_FILE = "metadata.json"
PARTS = ("actions", "rewards", "terminations", "truncations")


def minari_file(path: Path) -> Path:
    """Return the HDF5 file of a data set's folder, its `data` folder, or the file itself.

    Raises:
        UserError: there is none.
    """
    for candidate in (path, path / MAIN_FILE, path / "data" / MAIN_FILE):
        if candidate.is_file():
            return candidate
    raise UserError(
        f"{path.name} is no Minari data set: it has no data/{MAIN_FILE}. Give the folder "
        "<namespace>/<name>-v<n> below MINARI_DATASETS_PATH."
    )


def read_minari(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a data set under D4RL's names, and its metadata.

    Raises:
        UserError: it is no such file, an episode lacks a part, or observations are no numbers.
    """
    file = minari_file(path)
    try:
        with h5py.File(file, "r") as stored:
            names = sorted(
                (name for name in stored if name.startswith("episode_")),
                key=lambda name: int(name.removeprefix("episode_")),
            )
            if not names:
                raise UserError(f"{path.name} holds no episodes.")
            episodes = [_episode(stored[name], name) for name in names]
    except (OSError, ValueError) as error:
        raise UserError(f"{file.name} cannot be read as Minari's HDF5: {error}.") from error
    arrays = {name: np.concatenate([each[name] for each in episodes]) for name in episodes[0]}
    about = file.with_name(METADATA_FILE)
    metadata = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    return arrays, metadata


def _episode(group: h5py.Group, name: str) -> dict[str, NDArray[Any]]:
    missing = [part for part in ("observations", *PARTS) if part not in group]
    if missing:
        raise UserError(f"{name} has no {', '.join(missing)}: the data set is incomplete.")
    actions, rewards, terminations, truncations = (np.asarray(group[part]) for part in PARTS)
    observations = _flat(group["observations"])
    if len(observations) != len(rewards) + 1:
        raise UserError(
            f"{name} has {len(observations)} observations for {len(rewards)} steps; Minari stores "
            "one more than there are steps."
        )
    return {
        "observations": observations[:-1],
        "next_observations": observations[1:],
        "actions": actions,
        "rewards": rewards,
        "terminals": terminations,
        "timeouts": truncations,
    }


def _flat(stored: h5py.Dataset | h5py.Group) -> NDArray[Any]:
    """Return observations as one array; parts of a dictionary side by side, by name."""
    if isinstance(stored, h5py.Dataset):
        return np.asarray(stored)
    parts = [_flat(stored[name]) for name in sorted(stored)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
