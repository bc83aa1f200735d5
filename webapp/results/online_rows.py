"""What is known of the completions of online trainings: who wrote them, what learned from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from algorithms.online.rollouts import LAG, STEPS, VERSION
from webapp.results.statistics import IntArray

ONLINE_COLUMNS = (VERSION, LAG, STEPS)
NEVER_USED = -1

USES: Mapping[str, tuple[int, int]] = {
    "learned": (1, 2**31),
    "once": (1, 1),
    "again": (2, 2**31),
    "unused": (0, 0),
}
"""Fewest and most updates that learned from a row, by what a person may ask for."""


@dataclass(frozen=True)
class Course:
    """N rows of a file: their policies' versions, and what became of them."""

    versions: IntArray
    lags: IntArray
    """NEVER_USED where no update learned from it."""
    uses: IntArray
    """Updates that learned from it."""
    steps: IntArray
    """Every update that learned from some row, from 0..."""
    rows: IntArray
    """...and the row."""


def course_of(table: pa.Table) -> Course | None:
    """Return what the columns of `ONLINE_COLUMNS` say; None where a set has none."""
    if not set(ONLINE_COLUMNS) <= set(table.column_names):
        return None
    steps = table[STEPS].combine_chunks()
    uses = pc.list_value_length(steps).to_numpy(zero_copy_only=False).astype(np.int64)
    return Course(
        versions=table[VERSION].to_numpy().astype(np.int64),
        lags=pc.fill_null(table[LAG], NEVER_USED).to_numpy().astype(np.int64),
        uses=uses,
        steps=steps.flatten().to_numpy(zero_copy_only=False).astype(np.int64),
        rows=np.repeat(np.arange(uses.size), uses),
    )


@dataclass(frozen=True)
class CourseFilter:
    """Which rows of an online training are asked for; everything empty asks for all."""

    min_version: int | None = None
    max_version: int | None = None
    min_lag: int | None = None
    max_lag: int | None = None
    step: int | None = None
    """An update that learned from it, from 0."""
    uses: str = ""
    """Key of USES."""

    def keeps(self, course: Course) -> NDArray[np.bool_]:
        """Return which rows are asked for."""
        lowest = NEVER_USED if self.min_lag is None and self.max_lag is None else 0
        keep = _within(course.versions, self.min_version, self.max_version)
        keep &= _within(course.lags, max(lowest, self.min_lag or lowest), self.max_lag)
        if self.step is not None:
            keep &= np.isin(np.arange(keep.size), course.rows[course.steps == self.step])
        if self.uses in USES:
            keep &= _within(course.uses, *USES[self.uses])
        return keep


def _within(values: IntArray, low: int | None, high: int | None) -> NDArray[np.bool_]:
    keep = np.ones(values.size, dtype=bool)
    if low is not None:
        keep &= values >= low
    if high is not None:
        keep &= values <= high
    return keep


@dataclass(frozen=True)
class RowCourse:
    """One completion of an online training."""

    version: int
    """Updates that the policy had behind it which wrote it."""
    lag: int | None
    steps: Sequence[int]
    """Updates that learned from it, from 0."""

    @property
    def learned_at(self) -> str:
        """Those updates in words, as people count: from 1."""
        return ", ".join(f"{step + 1:,}" for step in self.steps)


def course_of_row(record: Mapping[str, Any]) -> RowCourse | None:
    """Return what a row's columns say; None where it has none."""
    if VERSION not in record:
        return None
    return RowCourse(record[VERSION], record[LAG], tuple(record[STEPS]))
