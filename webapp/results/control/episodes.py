"""Episodes of evaluations for control, read from their artifacts once and kept in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from algorithms.base import CorruptArtifactError
from algorithms.control_data.references import reference_of
from algorithms.environments.table import Reference
from algorithms.evaluation.control import (
    RISK_FILE,
    Trajectory,
    load_episodes,
    load_trajectories,
)
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import FloatArray, IntArray


@dataclass(frozen=True)
class Episodes:
    """The episodes of one evaluation, in order of their reset seeds."""

    seeds: IntArray
    """Reset seeds: the same ones in every evaluation of equal purpose, seed and number."""
    columns: dict[str, FloatArray]
    """Figures per episode by the name of the measure whose mean they make."""
    environment: str
    purpose: str
    tail: float
    convention: str
    method: str
    reference: Reference | None
    """What returns are normalised by; None where nothing is known."""

    def __len__(self) -> int:
        return int(self.seeds.size)

    @property
    def returns(self) -> FloatArray:
        """Undiscounted return of each episode."""
        return self.columns["return_mean"]

    def at(self, name: str, seeds: IntArray) -> FloatArray:
        """Return a column at some of the reset seeds, which must all be there."""
        return self.columns[name][np.searchsorted(self.seeds, seeds)]


def episodes_of(artifact: ArtifactRow) -> Episodes:
    """Return the episodes of an `evaluate_control` job's artifact.

    Raises:
        OutcomesMissing: a file is gone or damaged.
    """
    with _readable(artifact) as folder:
        return _read(folder, artifact.manifest_sha256)


def trajectories_of(artifact: ArtifactRow) -> tuple[Trajectory, ...]:
    """Return the kept episodes, the first reset seed's first; none where none was kept.

    Raises:
        OutcomesMissing: the file is gone or damaged.
    """
    with _readable(artifact) as folder:
        return _trajectories(folder, artifact.manifest_sha256)


@contextmanager
def _readable(artifact: ArtifactRow) -> Iterator[Path]:
    try:
        yield default_store().folder(artifact.path)
    except (ArtifactDamaged, CorruptArtifactError, OSError, pa.ArrowException, ValueError) as error:
        raise OutcomesMissing(
            f"The episodes of job {artifact.job_id} cannot be read ({error}). "
            "Recompute the job on its page."
        ) from error


@lru_cache(maxsize=512)
def _read(folder: Path, manifest_sha256: str) -> Episodes:  # noqa: ARG001 - part of the key
    table = load_episodes(folder).sort_by("reset_seed")
    report: dict[str, Any] = json.loads((folder / RISK_FILE).read_text(encoding="utf-8"))

    def column(name: str) -> FloatArray:
        return np.asarray(table[name].to_numpy(), dtype=np.float64)

    returns, danger = column("return"), column("danger_steps")
    columns = {
        "return_mean": returns,
        "violation_share": (danger > 0).astype(np.float64),
        "danger_steps_mean": danger,
        "shift_mean": column("shift_mean"),
        "episode_length_mean": column("length"),
    }
    for name in ("ood_before_mean", "ood_after_mean"):
        if table[name].null_count == 0:
            columns[name] = column(name)
    reference = reference_of(report)
    if reference is not None:
        span = reference.expert - reference.random
        columns["normalized_return"] = 100 * (returns - reference.random) / span
    return Episodes(
        seeds=np.asarray(table["reset_seed"].to_numpy(), dtype=np.int64),
        columns=columns,
        environment=report["environment"],
        purpose=report["purpose"],
        tail=report["tail"],
        convention=report["tail_convention"],
        method=report["quantile_method"],
        reference=reference,
    )


@lru_cache(maxsize=64)
def _trajectories(folder: Path, manifest_sha256: str) -> tuple[Trajectory, ...]:  # noqa: ARG001 - the same
    return tuple(load_trajectories(folder))
