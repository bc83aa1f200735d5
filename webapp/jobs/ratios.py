"""The ratio histograms of a training: of its artifact, or of its checkpoints while it runs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.catalogue import ALGORITHMS
from algorithms.shared.histograms import HISTOGRAMS, HISTOGRAMS_FILE
from algorithms.specs import TRAININGS
from webapp.jobs.models import Job
from webapp.jobs.states import ACTIVE
from webapp.jobs.train_files import train_file
from webapp.results.figures.ratio_ridge import RatioHistory

UNITS: Mapping[str, str] = {"sequence": "completions", "token": "tokens"}
"""What one ratio belongs to, in words, by level."""


def has_ratios(job: Job) -> bool:
    """Whether a job has ratios to show, or will have while it runs."""
    if job.kind not in TRAININGS:
        return False
    if job.state in ACTIVE:
        algorithm = ALGORITHMS.get(job.spec.get("algorithm", ""))
        return algorithm is not None and algorithm.trains_on == "rollouts"
    return _file(job) is not None


def ratio_histories(job: Job, level: str) -> dict[str, RatioHistory]:
    """Return the histograms so far by sign of the advantage, empty before the first.

    While the job runs, they are those of its newest checkpoint, if that lies on this machine.
    """
    path = _file(job)
    if path is None:
        return {}
    try:
        table = pq.read_table(path).cast(HISTOGRAMS)
    except (OSError, pa.ArrowException):
        return {}
    found = {}
    chosen = [row for row in table.to_pylist() if row["level"] == level]
    for sign in sorted({row["sign"] for row in chosen}):
        rows = [row for row in chosen if row["sign"] == sign]
        found[sign] = RatioHistory(
            steps=np.array([row["step"] for row in rows]),
            counts=np.array([row["counts"] for row in rows]),
        )
    return found


def _file(job: Job) -> Path | None:
    return train_file(job, HISTOGRAMS_FILE, live=f"state/{HISTOGRAMS_FILE}")
