"""Stored transitions without reading them: arrays fetched from disk where they are used."""

import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError
from algorithms.control_data.transitions import (
    ARRAYS,
    METADATA_FILE,
    TRANSITIONS_FILE,
    Transitions,
    load_transitions,
    read_metadata,
)

_HEADER_SIZE, _LENGTHS = 30, slice(26, 30)
"""Of a zip file's local header, and where it says how long name and extra field are."""


def map_transitions(folder: Path) -> Transitions:
    """Return the transitions of an artifact, mapped: a page that shows 20 rows reads 20 rows.

    Raises:
        CorruptArtifactError: a file is missing or is not what the job wrote.
    """
    path = folder / TRANSITIONS_FILE
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            members = [archive.getinfo(f"{name}.npy") for name in ARRAYS]
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                return load_transitions(folder)
            arrays = [_mapped(path, file, member) for member in members]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, struct.error) as error:
        raise CorruptArtifactError(
            f"{folder.name} holds no readable transitions: {error}. Compute the job again."
        ) from error
    metadata = read_metadata(folder / METADATA_FILE)
    observations, actions, rewards, following, terminated, truncated = arrays
    return Transitions(observations, actions, rewards, following, terminated, truncated, metadata)


def _mapped(path: Path, file: BinaryIO, member: zipfile.ZipInfo) -> NDArray[Any]:
    file.seek(member.header_offset)
    name, extra = struct.unpack("<HH", file.read(_HEADER_SIZE)[_LENGTHS])
    file.seek(member.header_offset + _HEADER_SIZE + name + extra)
    if npy.read_magic(file) != (1, 0):
        raise ValueError(f"{member.filename} is of another version of numpy's format")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    if fortran or dtype.hasobject:
        raise ValueError(f"{member.filename} is not laid out row by row")
    if not np.prod(shape):
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", offset=file.tell(), shape=shape)
