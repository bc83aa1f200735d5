"""The rows of a dataset's artifact: pages of them, statistics, and downloads."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

from algorithms.data.rows import BadRow, FieldMapping, Format, parse
from algorithms.data.tables import (
    BAD_ROWS,
    BAD_ROWS_FILE,
    ROWS,
    ROWS_FILE,
    count_rows,
    read_batches,
    read_table,
)
from webapp.components.csv_cells import csv_cell
from webapp.jobs.models import Artifact
from webapp.jobs.store import default_store


def folder_of(artifact: Artifact) -> Path:
    """Return where the artifact's files are."""
    return default_store().folder(artifact.path)


@dataclass(frozen=True)
class SplitStatistics:
    """One split in numbers; lengths are in characters."""

    split: str
    rows: int
    prompt_mean: float
    prompt_max: int
    answer_mean: float
    answer_max: int
    answers: int
    """Different answers."""
    duplicates: int
    """Rows whose prompt occurred before in the split."""


@dataclass(frozen=True)
class Statistics:
    """A dataset in numbers."""

    splits: tuple[SplitStatistics, ...]
    shared_prompts: int
    """Different prompts that are in more than one split."""

    @property
    def rows(self) -> int:
        return sum(split.rows for split in self.splits)


def statistics(artifact: Artifact) -> Statistics:
    """Return the statistics of each split; computed once per process and artifact.

    Raises:
        CorruptArtifactError: The rows cannot be read.
    """
    return _statistics(str(folder_of(artifact) / ROWS_FILE), artifact.manifest_sha256)


@lru_cache(maxsize=256)
def _statistics(path: str, _manifest_sha256: str) -> Statistics:
    table = read_table(Path(path), ROWS)
    names = pc.unique(table["split"]).to_pylist()
    names.sort(key=lambda name: (name != "train", name))
    parts = {name: table.filter(pc.equal(table["split"], name)) for name in names}
    different = [pc.unique(part["prompt"]) for part in parts.values()]
    shared = 0
    if len(different) > 1:
        counts = pc.value_counts(pa.concat_arrays(different))
        shared = pc.sum(pc.greater(counts.field("counts"), 1)).as_py() or 0
    return Statistics(tuple(_of_split(name, part) for name, part in parts.items()), shared)


def _of_split(name: str, part: pa.Table) -> SplitStatistics:
    prompts, answers = (pc.utf8_length(part[column]) for column in ("prompt", "answer"))
    return SplitStatistics(
        split=name,
        rows=part.num_rows,
        prompt_mean=pc.mean(prompts).as_py() or 0.0,
        prompt_max=pc.max(prompts).as_py() or 0,
        answer_mean=pc.mean(answers).as_py() or 0.0,
        answer_max=pc.max(answers).as_py() or 0,
        answers=pc.count_distinct(part["answer"]).as_py(),
        duplicates=part.num_rows - pc.count_distinct(part["prompt"]).as_py(),
    )


class RowSequence(Sequence[dict[str, str]]):
    """The rows that match a filter; reads only what is looked at."""

    def __init__(self, artifact: Artifact, *, split: str = "", text: str = "") -> None:
        self._path = folder_of(artifact) / ROWS_FILE
        self._split = split
        self._text = text
        self._count: int | None = artifact.summary.get("rows") if not (split or text) else None

    def _matching(self) -> Iterator[pa.RecordBatch]:
        for batch in read_batches(self._path, ROWS):
            yield batch.filter(mask) if (mask := self._mask(batch)) is not None else batch

    def _mask(self, batch: pa.RecordBatch) -> Any:
        tests: list[Callable[[], Any]] = []
        if self._split:
            tests.append(lambda: pc.equal(batch["split"], self._split))
        if self._text:
            tests.append(lambda: _contains(batch, self._text))
        mask = None
        for test in tests:
            mask = test() if mask is None else pc.and_(mask, test())
        return mask

    def __len__(self) -> int:
        if self._count is None:
            self._count = sum(batch.num_rows for batch in self._matching())
        return self._count

    @overload
    def __getitem__(self, index: int) -> dict[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, str]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, str] | list[dict[str, str]]:
        if isinstance(index, int):
            return self[index : index + 1][0]
        start, stop, _ = index.indices(len(self))
        found: list[dict[str, str]] = []
        seen = 0
        for batch in self._matching():
            first, last = max(start - seen, 0), min(stop - seen, batch.num_rows)
            if last > first:
                found += batch.slice(first, last - first).to_pylist()
            seen += batch.num_rows
            if seen >= stop:
                break
        return found


def _contains(batch: pa.RecordBatch, text: str) -> Any:
    hits = [
        pc.match_substring(batch[column], text, ignore_case=True)
        for column in ("id", "prompt", "answer")
    ]
    return pc.or_(pc.or_(hits[0], hits[1]), hits[2])


def as_jsonl(artifact: Artifact) -> Iterator[bytes]:
    """Yield all rows as JSON Lines."""
    for batch in read_batches(folder_of(artifact) / ROWS_FILE, ROWS):
        rows = ({k: v for k, v in row.items() if v is not None} for row in batch.to_pylist())
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        yield "".join(f"{line}\n" for line in lines).encode()


def as_csv(artifact: Artifact) -> Iterator[bytes]:
    """Yield all rows as CSV that no spreadsheet executes; without groups, without that column."""
    path = folder_of(artifact) / ROWS_FILE
    group = ROWS.get_field_index("group")
    grouped = read_table(path, pa.schema([ROWS.field(group)]))["group"].null_count < count_rows(
        path
    )
    return _csv(path, ROWS if grouped else ROWS.remove(group))


def bad_rows_as_csv(folder: Path) -> Iterator[bytes]:
    """Yield the report of bad rows as CSV; only its header where there are none."""
    return _csv(folder / BAD_ROWS_FILE, BAD_ROWS)


def bad_rows_of_file(path: Path, kind: Format, mapping: FieldMapping) -> Iterator[bytes]:
    """Yield the report of all bad rows of a file that is not imported yet as CSV.

    Raises:
        UserError: The file as a whole cannot be read.
    """
    yield _line(["line", "reason", "excerpt"])
    for item in parse(path, mapping, format=kind):
        if isinstance(item, BadRow):
            yield _line([item.line, item.reason, item.excerpt])


def _csv(path: Path, schema: pa.Schema) -> Iterator[bytes]:
    yield _line(schema.names)
    if not path.exists():
        return
    for batch in read_batches(path, schema):
        yield b"".join(_line(row.values()) for row in batch.to_pylist())


def _line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([csv_cell(value) for value in values])
    return text.getvalue().encode()
