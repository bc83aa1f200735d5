"""The Parquet tables that jobs hand to each other: columns, writing, reading."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import CorruptArtifactError

ROWS_FILE = "rows.parquet"
ROLLOUTS_FILE = "rollouts.parquet"
OUTCOMES_FILE = "outcomes.parquet"
BAD_ROWS_FILE = "bad_rows.parquet"

ROWS = pa.schema([(name, pa.string()) for name in ("id", "prompt", "answer", "split")])
"""Of `dataset` and `upload`."""

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

GRADED = ROLLOUTS.append(pa.field("grade", pa.string())).append(pa.field("reward", pa.float32()))
"""Of `grade`."""

OUTCOMES = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("prompt", pa.string()),
        ("answer", pa.string()),
        ("sample", pa.int32()),
        ("completion", pa.string()),
        ("n_tokens", pa.int32()),
        ("grade", pa.string()),
    ]
)
"""Of `evaluate`; sample -1 is the greedy completion."""


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
        return pq.read_table(path, columns=schema.names).cast(schema)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _corrupt(path, error) from error


def read_batches(path: Path, schema: pa.Schema, *, rows: int = 8192) -> Iterator[pa.RecordBatch]:
    """Yield a table's record batches in order, with exactly the schema's columns.

    Raises:
        CorruptArtifactError: the file is missing, broken, or has other columns.
    """
    try:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=rows, columns=schema.names):
            yield batch.cast(schema)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> CorruptArtifactError:
    return CorruptArtifactError(
        f"{path.name} cannot be read ({str(error).splitlines()[0][:200]}). "
        "Compute the artifact again."
    )
