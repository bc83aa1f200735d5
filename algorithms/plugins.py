"""Where a laboratory keeps algorithm files of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

PLUGIN_FOLDERS_VARIABLE = "LAB_ALGORITHM_PLUGINS"
"""Folders of algorithm files, separated like PATH. Files there run as our code: trust them."""


def plugin_folders() -> list[Path]:
    """Return the folders that are named, whether they are there or not."""
    named = os.environ.get(PLUGIN_FOLDERS_VARIABLE, "").split(os.pathsep)
    return [Path(folder) for folder in named if folder]


def plugin_files() -> Iterator[Path]:
    """Yield the algorithm files, folder by folder and by name.

    Raises:
        ImportError: a folder that is named is not there.
    """
    for folder in plugin_folders():
        if not folder.is_dir():
            raise ImportError(f"{PLUGIN_FOLDERS_VARIABLE} names {folder}, which is not a folder")
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                yield path
