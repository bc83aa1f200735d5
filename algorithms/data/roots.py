"""Which folders and which hub organisations an administrator lets jobs read."""

import os
import re
from pathlib import Path

from algorithms.base import UserError

DATA_ROOTS_VARIABLE = "LAB_DATA_ROOTS"
"""Folders that datasets may be read from, separated like PATH."""
MODEL_ROOTS_VARIABLE = "LAB_MODEL_ROOTS"
"""Folders that models may be read from, separated like PATH."""
HUB_ORGANISATIONS_VARIABLE = "LAB_HUB_ORGANISATIONS"
"""Hub organisations that may be downloaded from, separated by commas; * allows all."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def allowed_path(text: str, variable: str) -> Path:
    """Return the real path, with links followed, of something inside an allowed folder.

    A relative path is looked for below each allowed folder, too.

    Raises:
        UserError: it leads outside, or is not there; the two sound the same, so that nobody can
            ask the disk questions.
    """
    roots = roots_of(variable)
    for folder in (Path(), *roots):
        try:
            path = (folder / text).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            continue
        if any(path.is_relative_to(root) for root in roots):
            return path
    raise UserError(
        f"{text!r} is not a file or folder that jobs may read. The administrator lists the "
        f"folders in the variable {variable}; put it into one of them."
    )


def roots_of(variable: str) -> list[Path]:
    """Return the folders that a variable lists."""
    listed = os.environ.get(variable, "").split(os.pathsep)
    return [Path(root).resolve() for root in listed if root]


def allowed_hub_name(name: str) -> str:
    """Return the hub id if its organisation may be downloaded from.

    Raises:
        UserError: it is not `organisation/name`, or the administrator has not allowed it.
    """
    if not _HUB_NAME.fullmatch(name) or ".." in name:
        raise UserError(f"{name!r} is not a hub id; write it as organisation/name.")
    organisation = name.partition("/")[0]
    listed = os.environ.get(HUB_ORGANISATIONS_VARIABLE, "").split(",")
    allowed = {entry.strip().casefold() for entry in listed}
    if "*" not in allowed and organisation.casefold() not in allowed:
        raise UserError(
            f"Downloads from {organisation!r} are not allowed here. The administrator lists the "
            f"hub organisations in the variable {HUB_ORGANISATIONS_VARIABLE}."
        )
    return name
