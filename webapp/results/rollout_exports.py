"""Filtered completions as files: JSON lines with everything, CSV with what a table can hold."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from asgiref.sync import sync_to_async

from webapp.components.csv_cells import csv_cell
from webapp.results.rollout_file import RolloutIndex, read_tables
from webapp.results.statistics import IntArray

CSV_COLUMNS = (
    "prompt_id",
    "sample",
    "prompt",
    "completion",
    "answer",
    "grade",
    "reward",
    "n_tokens",
    "finish_reason",
    "batch",
    "version",
    "lag",
    "steps",
)
CHUNK_ROWS = 2000

Chunks = Callable[[RolloutIndex, IntArray], Iterator[str]]


def jsonl(index: RolloutIndex, rows: IntArray) -> Iterator[str]:
    """Yield the rows with every column of the file, an object per line."""
    for table in _tables(index, rows, sorted(index.columns)):
        lines = [json.dumps(record, ensure_ascii=False) for record in table.to_pylist()]
        yield "\n".join(lines) + "\n"


def as_csv(index: RolloutIndex, rows: IntArray) -> Iterator[str]:
    """Yield the rows without token lists, formulas escaped."""
    columns = [name for name in CSV_COLUMNS if name in index.columns]
    yield _csv_lines([columns])
    for table in _tables(index, rows, columns):
        yield _csv_lines([[_cell(value) for value in row.values()] for row in table.to_pylist()])


def _cell(value: object) -> object:
    """Return a cell; the updates that learned from a row are numbers with spaces between them."""
    return " ".join(map(str, value)) if isinstance(value, list) else csv_cell(value)


def _csv_lines(rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _tables(index: RolloutIndex, rows: IntArray, columns: list[str]) -> Iterator[pa.Table]:
    for part in np.array_split(rows, max(1, -(-rows.size // CHUNK_ROWS))):
        yield from read_tables(index, part, columns)


async def in_threads(chunks: Iterator[str]) -> AsyncIterator[str]:
    """Yield the chunks, each made in a thread, so that a large file holds up no other request."""
    step = sync_to_async(lambda: next(chunks, None))
    while (chunk := await step()) is not None:
        yield chunk


WRITERS: dict[str, tuple[str, Chunks]] = {
    "jsonl": ("application/x-ndjson", jsonl),
    "csv": ("text/csv; charset=utf-8", as_csv),
}
