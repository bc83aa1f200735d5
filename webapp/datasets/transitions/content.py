"""What a stored data set of transitions holds: rows, episodes, states to draw, files."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError
from algorithms.control_data.mapped import map_transitions
from algorithms.control_data.references import reference_of
from algorithms.control_data.statistics import STATISTICS_FILE, TransitionStatistics
from algorithms.control_data.transitions import TRANSITIONS_FILE, Transitions
from webapp.components.csv_cells import csv_cell
from webapp.jobs.models import Artifact
from webapp.jobs.store import default_store

HDF5_FILE = "transitions.hdf5"
DRAWN = 3000
"""States in the scatter plot, evenly spaced over the data."""
CHUNK = 1024 * 1024


def folder_of(artifact: Artifact) -> Path:
    """Return where the artifact's files are."""
    return default_store().folder(artifact.path)


def transitions_of(artifact: Artifact) -> Transitions:
    """Return the stored transitions, mapped from disk.

    Raises:
        CorruptArtifactError: they cannot be read.
    """
    return map_transitions(folder_of(artifact))


def statistics_of(artifact: Artifact) -> TransitionStatistics:
    """Return the figures that the job measured.

    Raises:
        CorruptArtifactError: they cannot be read.
    """
    path = folder_of(artifact) / STATISTICS_FILE
    try:
        return TransitionStatistics.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(
            f"The statistics of the data set cannot be read: {error}. Compute its job again."
        ) from error


@dataclass(frozen=True)
class Endings:
    """How episodes ended."""

    terminated: int
    """By themselves: the state is final."""
    truncated: int
    """By a time limit: something would have followed."""
    open: int
    """Neither: the data end there."""


def endings_of(data: Transitions) -> Endings:
    """Return how many episodes ended how."""
    last = data.ends - 1
    terminated, truncated = int(data.terminated[last].sum()), int(data.truncated[last].sum())
    return Endings(terminated, truncated, len(last) - terminated - truncated)


@dataclass(frozen=True)
class TransitionRow:
    """One row of the table."""

    number: int
    episode: int
    step: int
    observation: list[float]
    action: list[float]
    reward: float
    ending: str
    """`terminated`, `time-out` or nothing."""


def rows_of(data: Transitions, first: int, count: int) -> list[TransitionRow]:
    """Return some rows, with the episode and step that each is of."""
    last = min(first + count, len(data))
    numbers = np.arange(first, last)
    episodes = np.searchsorted(data.ends, numbers, side="right")
    steps = numbers - data.starts[episodes]
    return [
        TransitionRow(
            number=int(row),
            episode=int(episode),
            step=int(step),
            observation=data.observations[row].tolist(),
            action=data.actions[row].tolist(),
            reward=float(data.rewards[row]),
            ending=_ending(data, int(row)),
        )
        for row, episode, step in zip(numbers, episodes, steps, strict=True)
    ]


def _ending(data: Transitions, row: int) -> str:
    return "terminated" if data.terminated[row] else "time-out" if data.truncated[row] else ""


@dataclass(frozen=True)
class States:
    """Some states of the data in two dimensions."""

    places: NDArray[np.float64]
    """[N, 2]."""
    values: NDArray[np.float64]
    """[N]; return of the state's episode, or its step."""
    rows: NDArray[np.int64]
    """[N]."""


def states_of(data: Transitions, x: int, y: int, *, by_step: bool) -> States:
    """Return states evenly spaced over the data.

    Args:
        by_step: whether values are steps within the episode; else they are episode returns.
    """
    rows = np.unique(np.linspace(0, len(data) - 1, min(DRAWN, len(data))).astype(np.int64))
    places = np.asarray(data.observations[rows], np.float64)[:, [x, y]]
    episodes = np.searchsorted(data.ends, rows, side="right")
    values = (rows - data.starts[episodes]) if by_step else data.returns()[episodes]
    return States(places, values.astype(np.float64), rows)


def episodes_csv(data: Transitions) -> Iterator[bytes]:
    """Yield a CSV line per episode."""
    reference, returns, last = reference_of(data.metadata), data.returns(), data.ends - 1
    label = f"normalized_return_{reference.source}" if reference else "normalized_return"
    names = ("episode", "first_row", "steps", "return", label, "ended_by", "discounted_return_099")
    discounted = data.returns(0.99)
    yield _line(names)
    for episode, row in enumerate(last.tolist()):
        value = float(returns[episode])
        normalised = reference.normalise(value) if reference else ""
        figures = (int(data.starts[episode]), int(data.lengths[episode]), value, normalised)
        yield _line((episode, *figures, _ending(data, row) or "open", float(discounted[episode])))


def _line(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([csv_cell(cell) for cell in cells])
    return text.getvalue().encode()


def stored_file(artifact: Artifact, suffix: str) -> Path | None:
    """Return the file of a format, or None where the job wrote none."""
    name = {"npz": TRANSITIONS_FILE, "hdf5": HDF5_FILE, "json": STATISTICS_FILE}[suffix]
    path = folder_of(artifact) / name
    return path if path.is_file() else None


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
