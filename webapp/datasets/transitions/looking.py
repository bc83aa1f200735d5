"""A look into a staged file before it becomes a data set: what it holds, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from algorithms.base import UserError
from algorithms.control_data.importing import imported, shapes_of
from algorithms.control_data.reading import declared_bytes, read_file
from algorithms.control_data.statistics import TransitionStatistics, describe
from algorithms.control_data.validation import BadTransitionsError
from algorithms.control_specs import TransitionsSpec

LARGEST_BYTES = 256 * 1024**2
"""What the web process reads itself; a larger file is checked by the job that reads it."""


@dataclass(frozen=True)
class Look:
    """What was found."""

    shapes: Mapping[str, str] = field(default_factory=dict)
    """Shape and type of each array, in words."""
    statistics: TransitionStatistics | None = None
    """Of what would be imported; None where something is wrong or was not looked at."""
    error: str = ""
    error_field: str = ""
    """Setting that the error is about; empty for the file itself."""
    is_large: bool = False
    """Whether the file is for the job to read."""


def look(path: Path, spec: TransitionsSpec) -> Look:
    """Return what a file holds and whether it can be imported by these settings."""
    if declared_bytes(path) > LARGEST_BYTES:
        return Look(is_large=True)
    try:
        raw = read_file(path, "auto")
    except UserError as error:
        return Look(error=str(error))
    shapes = shapes_of(raw)
    try:
        return Look(shapes, describe(imported(raw, spec)))
    except BadTransitionsError as error:
        return Look(shapes, error=str(error), error_field=error.field)
    except UserError as error:
        return Look(shapes, error=str(error), error_field="environment")
