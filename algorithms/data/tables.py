"""The Parquet tables that jobs hand to each other: columns, writing, reading."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import CorruptArtifactError

TableOrBatch = TypeVar("TableOrBatch", pa.Table, pa.RecordBatch)

ROWS_FILE = "rows.parquet"
ROLLOUTS_FILE = "rollouts.parquet"
OUTCOMES_FILE = "outcomes.parquet"
BAD_ROWS_FILE = "bad_rows.parquet"

ROWS = pa.schema([(name, pa.string()) for name in ("id", "prompt", "answer", "split", "group")])
"""Of `dataset` and `upload`; group is a level or subject, null where there is none."""

BAD_ROWS = pa.schema(
    [("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("excerpt", pa.string())]
)
"""Beside the rows, where some were bad."""

ROLLOUTS = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("sample", pa.int32()),
        ("prompt", pa.string()),
        ("answer", pa.string()),
        ("prompt_tokens", pa.list_(pa.int32())),
        ("completion", pa.string()),
        ("tokens", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
        ("finish_reason", pa.string()),
        ("engine_logprobs", pa.list_(pa.float32())),
    ]
)
"""Of `generate` and `score`; `engine_logprobs` is null where the engine is the training stack."""

GRADED = pa.schema(
    [
        *ROLLOUTS,
        pa.field("grade", pa.string()),
        pa.field("reward", pa.float32()),
        pa.field("parsed", pa.string()),
    ]
)
"""Of `grade`; parsed is the answer as it was read, null where invalid: equal answers are equal."""

OUTCOMES = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("prompt", pa.string()),
        ("answer", pa.string()),
        ("sample", pa.int32()),
        ("completion", pa.string()),
        ("n_tokens", pa.int32()),
        ("grade", pa.string()),
        ("parsed", pa.string()),
        ("finish_reason", pa.string()),
        ("repetition", pa.float32()),
    ]
)
"""Of `evaluate`; sample -1 is the greedy completion, repetition the share of repeated 4-grams."""

FIRST_BATCH_FILE = "first_batch.parquet"

FIRST_BATCH = pa.schema(
    [
        ("prompt", pa.list_(pa.string())),
        ("completion", pa.list_(pa.string())),
        ("logprobs", pa.list_(pa.float32())),
        ("reward", pa.float32()),
        ("advantage", pa.float32()),
        ("unit", pa.int32()),
        ("batch_size", pa.int32()),
    ]
)
"""Of `train`: texts of the tokens of its first completions; only `completion` is learned from,
`logprobs` are log mu of its tokens, 0 where no policy wrote them."""

YOUNGER = frozenset({"group", "parsed", "engine_logprobs"})
"""Columns that artifacts of earlier versions lack; they read as null."""


class TableWriter:
    """Writes records to a Parquet file in row groups, so that memory stays bounded."""

    def __init__(self, path: Path, schema: pa.Schema, *, group_rows: int = 8192) -> None:
        self._schema = schema
        self._group_rows = group_rows
        self._pending: list[dict[str, object]] = []
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self.count = 0

    def write(self, record: dict[str, object]) -> None:
        """Add one record; its keys are the schema's names."""
        self._pending.append(record)
        self.count += 1
        if len(self._pending) >= self._group_rows:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
            self._pending = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.close()

    def close(self) -> None:
        """Write what is pending and finish the file."""
        self._flush()
        self._writer.close()


def write_table(path: Path, schema: pa.Schema, records: Iterable[dict[str, object]]) -> int:
    """Write the records to a Parquet file and return how many there were."""
    with TableWriter(path, schema) as writer:
        for record in records:
            writer.write(record)
    return writer.count


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """Return a whole table with exactly the schema's columns.

    Raises:
        CorruptArtifactError: the file is missing, broken, or has other columns.
    """
    try:
        names = _stored(pq.read_schema(path).names, schema)
        return _completed(pq.read_table(path, columns=names), schema)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _corrupt(path, error) from error


def read_batches(path: Path, schema: pa.Schema, *, rows: int = 8192) -> Iterator[pa.RecordBatch]:
    """Yield a table's record batches in order, with exactly the schema's columns.

    Raises:
        CorruptArtifactError: the file is missing, broken, or has other columns.
    """
    try:
        file = pq.ParquetFile(path)
        names = _stored(file.schema_arrow.names, schema)
        for batch in file.iter_batches(batch_size=rows, columns=names):
            yield _completed(batch, schema)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _corrupt(path, error) from error


def count_rows(path: Path) -> int:
    """Return how many rows a table has, without reading them.

    Raises:
        CorruptArtifactError: the file is missing or broken.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def _stored(present: list[str], schema: pa.Schema) -> list[str]:
    """Return the columns to read: all that the schema names, but younger ones only if there."""
    return [name for name in schema.names if name in present or name not in YOUNGER]


def _completed(table: TableOrBatch, schema: pa.Schema) -> TableOrBatch:
    """Return a table or batch with null for the columns that it is too old to have."""
    for place, name in enumerate(schema.names):
        if name in YOUNGER and name not in table.schema.names:
            nothing = pa.nulls(table.num_rows, schema.field(name).type)
            table = table.add_column(place, name, nothing)
    return table.cast(schema)


def _corrupt(path: Path, error: Exception) -> CorruptArtifactError:
    return CorruptArtifactError(
        f"{path.name} cannot be read ({str(error).splitlines()[0][:200]}). "
        "Compute the artifact again."
    )
