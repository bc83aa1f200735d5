"""What the control labs show: succeeded jobs to choose from, and their artifacts opened."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_data.transitions import Transitions, load_transitions
from algorithms.control_models.files import MODEL_FILE
from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import JobState
from webapp.jobs.store import ArtifactDamaged, default_store

MOST_LISTED = 200
"""The newest jobs of a kind that a form lists."""
MOST_ROWS = 100_000
"""Rows of a data set that a lab keeps in memory, evenly spaced over it."""
MOST_BYTES = 4 * 1024**3
"""A larger data set is not read by the web process."""

POLICY_KINDS = ("train_control", "keep_checkpoint", "train_behaviour", "control_policy")


def finished(*kinds: str) -> list[Job]:
    """Return the newest succeeded jobs of some kinds whose artifact is there; six queries."""
    found = (
        Job.objects.filter(kind__in=kinds, state=JobState.SUCCEEDED, artifact__isnull=False)
        .select_related("artifact")
        .prefetch_related("inputs__source__datasets", "inputs__source__policies", "policies")
        .order_by("-id")[:MOST_LISTED]
    )
    return list(found)


def chosen(jobs: Sequence[Job], asked: str | None) -> Job | None:
    """Return the job that an address names; the newest where it names none of these."""
    named = next((job for job in jobs if str(job.pk) == asked), None)
    return named or (jobs[0] if jobs else None)


def inputs_of(job: Job) -> dict[str, Job]:
    """Return the jobs that it read, by role."""
    return {one.role: one.source for one in job.inputs.all()}


def label_of(job: Job) -> str:
    """Return what a form calls a job: its name or title, its data set, its number."""
    data = inputs_of(job).get("transitions")
    named = [str(policy) for policy in job.policies.all()] if job.kind in POLICY_KINDS else []
    parts = [named[0] if named else job.title]
    if data is not None:
        on = next((str(dataset) for dataset in data.datasets.all()), data.title)
        if on not in parts[0]:
            parts.append(f"on {on}")
    return f"{', '.join(parts)} (job {job.pk})"


def folder_of(job: Job) -> Path:
    """Return where a job's artifact is.

    Raises:
        UserError: it is gone.
    """
    artifact = Artifact.objects.filter(job=job).first()
    try:
        if artifact is not None and (folder := default_store().folder(artifact.path)).is_dir():
            return folder
    except ArtifactDamaged:
        pass  # said below, like a folder that is not there
    raise UserError(f"What job {job.pk} ({job.title}) made is no longer there: compute it again.")


@dataclass(frozen=True)
class DataView:
    """Rows of a data set, evenly spaced, in the environment's units."""

    data: Transitions
    """Those rows alone; their episodes are cut to pieces."""
    numbers: NDArray[np.int64]
    """Number of each row in the data set, from 0."""
    total: int
    """Rows of the whole data set."""

    def nearest(self, number: int) -> int:
        """Return the place here of the row that is nearest to a number."""
        return int(np.abs(self.numbers - number).argmin())


def record_of(folder: Path) -> dict[str, Any]:
    """Return what the job of a network wrote beside its weights: losses by level, figures.

    Raises:
        UserError: it is damaged.
    """
    try:
        found: dict[str, Any] = json.loads((folder / MODEL_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"The network in {folder.name} cannot be read: {error}.") from error
    return found


def policy_record(job: Job) -> dict[str, Any]:
    """Return what a policy for control says of itself; empty where it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((folder_of(job) / "policy.json").read_text("utf-8"))
    except (OSError, ValueError, UserError):
        return {}
    return found


def data_folder(job: Job) -> Path:
    """Return where a data set of transitions is.

    Raises:
        UserError: it is gone, or too large to be read here.
    """
    folder = folder_of(job)
    size = sum(path.stat().st_size for path in folder.glob("*.npz"))
    if size > MOST_BYTES:
        raise UserError(
            f"The data set of job {job.pk} has {size / 1024**3:.1f} GiB: more than this page reads."
        )
    return folder


@lru_cache(maxsize=4)
def view_of(folder: Path) -> DataView:
    """Return the rows of a data set that labs work with; kept in memory.

    Raises:
        UserError: it is damaged.
    """
    data = load_transitions(folder)
    step = -(-len(data) // MOST_ROWS)
    numbers = np.arange(0, len(data), step)
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(getattr(data, name)[::step])
        for name in (
            "observations", "actions", "rewards", "next_observations", "terminated", "truncated",
        )
    }  # fmt: skip
    return DataView(Transitions(**arrays, metadata=data.metadata), numbers, len(data))
