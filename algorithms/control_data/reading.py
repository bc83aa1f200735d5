"""Finds out what a file of transitions is, and reads it."""

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.d4rl import read_hdf5
from algorithms.control_data.minari import minari_file, read_minari

Format = Literal["auto", "d4rl", "minari", "npz"]

MINARI_ROOT_VARIABLE = "MINARI_DATASETS_PATH"


@dataclass(frozen=True)
class Raw:
    """Arrays under D4RL's names as the file has them."""

    arrays: dict[str, NDArray[Any]]
    name: str
    """Of the data set, for people and for reference returns."""
    environment: str = ""
    """What the file itself says."""


def read_file(path: Path, kind: Format) -> Raw:
    """Return what a file or folder of transitions holds.

    Raises:
        UserError: it is of no format that we know, or damaged.
    """
    match _format(path) if kind == "auto" else kind:
        case "d4rl":
            return Raw(read_hdf5(path), path.stem)
        case "minari":
            return _minari(path)
        case _:
            return Raw(_read_npz(path), path.stem)


def declared_bytes(path: Path) -> int:
    """Return how much memory the arrays of a file say that they need; 0 where it is no such file.

    Compressed files can be small and unpack to anything: ask before reading.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return sum(each.file_size for each in archive.infolist())
        with h5py.File(path, "r") as file:
            sizes: list[int] = []

            def add(_: str, each: h5py.Dataset | h5py.Group) -> None:
                sizes.append(int(each.nbytes) if isinstance(each, h5py.Dataset) else 0)

            file.visititems(add)
            return sum(sizes)
    except (OSError, zipfile.BadZipFile):
        return 0


def minari_path(name: str) -> Path:
    """Return the folder of a Minari data set by id, below the worker's local folder.

    Raises:
        UserError: the id leads out of that folder, or there is no such data set.
    """
    root = Path(os.environ.get(MINARI_ROOT_VARIABLE) or Path.home() / ".minari" / "datasets")
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_dir():
        raise UserError(
            f"There is no Minari data set {name!r} in the worker's folder {root}. Download it "
            f"there (minari download {name}), or set {MINARI_ROOT_VARIABLE}."
        )
    return path


def _format(path: Path) -> Format:
    if path.is_dir():
        return "minari"
    if zipfile.is_zipfile(path):
        return "npz"
    if not h5py.is_hdf5(path):
        raise UserError(f"{path.name} is neither HDF5 (D4RL, Minari) nor NPZ. Give one of these.")
    try:
        with h5py.File(path, "r") as file:
            return "minari" if any(name.startswith("episode_") for name in file) else "d4rl"
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read as HDF5: {error}. It is damaged or was cut short."
        ) from error


def _minari(path: Path) -> Raw:
    arrays, metadata = read_minari(path)
    specification = metadata.get("env_spec") or "{}"
    if isinstance(specification, str):
        specification = json.loads(specification)
    file = minari_file(path)
    folder = file.parent.parent if file.parent.name == "data" else file.parent
    return Raw(arrays, str(metadata.get("dataset_id") or folder.name), specification.get("id", ""))


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file; what is pickled in it is refused, not opened."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {_our_name(name): stored[name] for name in stored.files if _our_name(name)}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        if "pickle" in str(error).lower():
            raise UserError(
                f"{path.name} holds pickled objects, which can run code when they are opened, and "
                "is refused. Save plain arrays."
            ) from error
        raise UserError(f"{path.name} cannot be read as NPZ: {error}.") from error


NAMES = (
    "observations", "actions", "rewards", "terminals", "timeouts", "next_observations",
)  # fmt: skip


def _our_name(name: str) -> str:
    return name if name in NAMES else ""
