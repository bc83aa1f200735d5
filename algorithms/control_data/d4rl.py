"""D4RL's HDF5 files, read and written."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions

NAMES = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations")


def read_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a D4RL file under D4RL's names; those that it does not have are absent.

    Raises:
        UserError: it is no HDF5 file.
    """
    try:
        with h5py.File(path, "r") as file:
            found = {name: file[name] for name in NAMES if name in file}
            wrong = [name for name, each in found.items() if not isinstance(each, h5py.Dataset)]
            if wrong:
                raise UserError(f"{path.name}: {', '.join(wrong)} must be arrays, not groups.")
            return {name: np.asarray(each[()]) for name, each in found.items()}
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read as HDF5: {error}. It is damaged or of another format."
        ) from error


def write_hdf5(path: Path, data: Transitions) -> None:
    """Write transitions as D4RL does, with `next_observations` and the metadata as an attribute."""
    with h5py.File(path, "w") as file:
        for name, values in data.arrays().items():
            file.create_dataset(name, data=values, compression="gzip", compression_opts=1)
        file.attrs["metadata"] = json.dumps(dict(data.metadata))
