"""Completions of one artifact, read straight from its Parquet file: index, filter, rows.

What filters and counts need (grade, length, prompt) is a few bytes per row and is kept in memory
per artifact; texts, tokens and log-probabilities are read from row groups when shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.data.tables import OUTCOMES_FILE, ROLLOUTS_FILE
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.online_rows import ONLINE_COLUMNS, Course, CourseFilter, course_of
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import FloatArray, IntArray

GRADES = ("correct", "incorrect", "invalid")
UNGRADED = -1
BATCH_ROWS = 8192
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class RolloutIndex:
    """What is known of every row, in the file's order (by prompt, then sample)."""

    path: Path
    metadata: pq.FileMetaData
    columns: frozenset[str]
    group_starts: IntArray
    """First row of each row group, and the number of rows."""
    grades: IntArray
    """Place in GRADES, or UNGRADED."""
    lengths: IntArray
    """Tokens of the completion, its end of sequence included."""
    truncated: BoolArray
    """Cut off by the length limit."""
    rewards: FloatArray | None
    prompts: IntArray
    """Number of the row's prompt, from 0."""
    prompt_starts: IntArray
    """First row of each prompt, and the number of rows."""
    course: Course | None = None
    """Of what an online training wrote."""

    @property
    def n_rows(self) -> int:
        """Number of completions."""
        return int(self.lengths.size)

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return int(self.prompt_starts.size - 1)

    def rows_of(self, prompt: int) -> IntArray:
        """Return the rows of one prompt."""
        return np.arange(self.prompt_starts[prompt], self.prompt_starts[prompt + 1])

    def open(self) -> pq.ParquetFile:
        """Return the file, without reading its footer again."""
        return pq.ParquetFile(self.path, metadata=self.metadata, memory_map=True)


def open_index(artifact: ArtifactRow) -> RolloutIndex:
    """Return the index of an artifact with completions.

    Raises:
        UserError: the file is gone or damaged.
    """
    try:
        folder = default_store().folder(artifact.path)
        outcomes = folder / OUTCOMES_FILE
        path = outcomes if outcomes.exists() else folder / ROLLOUTS_FILE
        return _index(path, artifact.manifest_sha256)
    except (ArtifactDamaged, OSError, pa.ArrowException, KeyError) as error:
        raise UserError(
            f"The completions of job {artifact.job_id} cannot be read ({error}). "
            "Recompute the job on its page."
        ) from error


@lru_cache(maxsize=16)
def _index(path: Path, manifest_sha256: str) -> RolloutIndex:  # noqa: ARG001 - part of the key
    metadata = pq.read_metadata(path)
    file = pq.ParquetFile(path, metadata=metadata, memory_map=True)
    columns = frozenset(file.schema_arrow.names)
    wanted = ["prompt_id", "n_tokens", "tokens", "grade", "reward", "finish_reason"]
    wanted += ONLINE_COLUMNS
    table = _lengths_for_tokens(file, [name for name in wanted if name in columns])
    rows = table.num_rows
    starts = _starts(table["prompt_id"])
    groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return RolloutIndex(
        path=path,
        metadata=metadata,
        columns=columns,
        group_starts=np.concatenate([[0], np.cumsum(groups, dtype=np.int64)]),
        grades=_grades(table, rows),
        lengths=table["n_tokens"].to_numpy().astype(np.int64),
        truncated=(
            pc.equal(table["finish_reason"], "length").to_numpy()
            if "finish_reason" in columns
            else np.zeros(rows, dtype=bool)
        ),
        rewards=(table["reward"].to_numpy().astype(np.float64) if "reward" in columns else None),
        prompts=np.repeat(np.arange(starts.size), np.diff(np.append(starts, rows))),
        prompt_starts=np.append(starts, rows),
        course=course_of(table),
    )


def _lengths_for_tokens(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return the columns with token lists reduced to their lengths, batch by batch."""
    batches = []
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
        if "tokens" in batch.schema.names:
            lengths = pc.list_value_length(batch.column("tokens"))
            batch = batch.drop_columns(["tokens"]).append_column("n_tokens", lengths)  # noqa: PLW2901
        batches.append(batch)
    if batches:
        return pa.Table.from_batches(batches)
    empty = file.schema_arrow.empty_table().select([c for c in columns if c != "tokens"])
    return empty if "n_tokens" in columns else empty.append_column("n_tokens", [[]])


def _starts(prompt_ids: pa.ChunkedArray) -> IntArray:
    """Return the rows at which another prompt begins."""
    if len(prompt_ids) == 0:
        return np.zeros(0, dtype=np.int64)
    codes = prompt_ids.combine_chunks().dictionary_encode().indices.to_numpy()
    return np.append(0, np.flatnonzero(np.diff(codes)) + 1).astype(np.int64)


def _grades(table: pa.Table, rows: int) -> IntArray:
    if "grade" not in table.column_names:
        return np.full(rows, UNGRADED)
    codes = pc.fill_null(pc.index_in(table["grade"], value_set=pa.array(GRADES)), UNGRADED)
    return np.asarray(codes.to_numpy(), dtype=np.int64)


@dataclass(frozen=True)
class RowFilter:
    """Which completions are asked for; everything empty asks for all."""

    grade: str = ""
    min_tokens: int | None = None
    max_tokens: int | None = None
    text: str = ""
    """Looked for in prompt and completion: as it is and in any case, or as a regular expression."""
    is_regex: bool = False
    course: CourseFilter = field(default_factory=CourseFilter)
    """Of online trainings; asks for all elsewhere."""


@lru_cache(maxsize=64)
def matching(artifact: "IndexKey", asked: RowFilter) -> IntArray:
    """Return the rows that match, in order.

    Raises:
        UserError: the regular expression is none, or the file cannot be read.
    """
    index = open_index(artifact.row)
    keep = np.ones(index.n_rows, dtype=bool)
    if asked.grade in GRADES:
        keep &= index.grades == GRADES.index(asked.grade)
    if asked.min_tokens is not None:
        keep &= index.lengths >= asked.min_tokens
    if asked.max_tokens is not None:
        keep &= index.lengths <= asked.max_tokens
    if index.course is not None:
        keep &= asked.course.keeps(index.course)
    if asked.text:
        keep &= _text_matches(index, asked)
    return np.flatnonzero(keep)


@dataclass(frozen=True)
class IndexKey:
    """An artifact as a key of caches: equal for equal content, whatever its summary."""

    job_id: int
    path: str
    manifest_sha256: str

    @property
    def row(self) -> ArtifactRow:
        """The artifact without its summary."""
        return ArtifactRow(self.job_id, self.path, self.manifest_sha256, {})


def key_of(artifact: ArtifactRow) -> IndexKey:
    """Return the artifact's key."""
    return IndexKey(artifact.job_id, artifact.path, artifact.manifest_sha256)


def _text_matches(index: RolloutIndex, asked: RowFilter) -> BoolArray:
    """Return which rows hold the text. Arrow's expressions (RE2) take time linear in the text."""
    found: list[BoolArray] = [np.zeros(0, dtype=bool)]
    try:
        for batch in index.open().iter_batches(
            batch_size=BATCH_ROWS, columns=["prompt", "completion"]
        ):
            either = pc.or_(*(_matches(column, asked) for column in batch.columns))
            found.append(pc.fill_null(either, False).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid as error:
        raise UserError(
            f"{asked.text!r} is not a regular expression ({error}). Correct it, or search for it "
            "as plain text."
        ) from error
    return np.concatenate(found)


def _matches(column: pa.Array, asked: RowFilter) -> pa.Array:
    if asked.is_regex:
        return pc.match_substring_regex(column, asked.text)
    return pc.match_substring(column, asked.text, ignore_case=True)


def read_rows(index: RolloutIndex, rows: IntArray, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return some rows (ascending numbers) as records of those columns that the file has."""
    return [record for table in read_tables(index, rows, columns) for record in table.to_pylist()]


def read_tables(index: RolloutIndex, rows: IntArray, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some rows (ascending numbers), one table per row group that holds any."""
    present = [name for name in columns if name in index.columns]
    file = index.open()
    groups = np.searchsorted(index.group_starts, rows, side="right") - 1
    for group in np.unique(groups).tolist():
        own = rows[groups == group] - index.group_starts[group]
        yield file.read_row_group(group, columns=present).select(present).take(pa.array(own))
