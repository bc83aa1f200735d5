"""Raw records of a JSONL, CSV or Parquet file, one at a time, in memory bounded by one line."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import UserError
from algorithms.data.lines import MAX_LINE_BYTES, BadRow, Lines, excerpt

Format = Literal["jsonl", "csv", "parquet"]
SUFFIXES: Mapping[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}

MAX_ROW_GROUP_BYTES = 2**31
"""Parquet decompresses whole row groups: larger ones are refused."""
csv.field_size_limit(MAX_LINE_BYTES)  # one setting per process; an unclosed quote stops there


@dataclass(frozen=True)
class Record:
    """The fields of one record; numbers of text formats are kept as they were written."""

    line: int
    """Line on which it starts, from 1; in Parquet the row number."""
    values: Mapping[str, object]
    excerpt: str


def format_of(path: Path) -> Format:
    """Return the format that the file's name ends in.

    Raises:
        UserError: the ending is none of them.
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UserError(
            f"The format of {path.name} is not known. Use a file ending in "
            f"{', '.join(SUFFIXES)} (a JSON array: one object per line instead)."
        )
    return found


def read(path: Path, kind: Format) -> Iterator[Record | BadRow]:
    """Yield the file's records in order, and a BadRow for everything that is not one.

    Raises:
        UserError: the file as a whole cannot be read as what it claims to be.
    """
    match kind:
        case "jsonl":
            yield from _read_jsonl(path)
        case "csv":
            yield from _read_csv(path)
        case "parquet":
            yield from _read_parquet(path)


def columns(path: Path, kind: Format) -> list[str]:
    """Return the names of the file's fields: of the first 100 objects in JSONL.

    Raises:
        UserError: the file as a whole cannot be read as what it claims to be.
    """
    if kind == "parquet":
        return list(_open_parquet(path).schema_arrow.names)
    names: dict[str, None] = {}
    for number, record in enumerate(read(path, kind)):
        if isinstance(record, Record):
            names |= dict.fromkeys(record.values)
        if number >= 99:
            break
    if not names and kind == "csv":
        with path.open("rb") as file:
            return _header(Lines(file, path.name), path.name)[0]
    return list(names)


def _read_jsonl(path: Path) -> Iterator[Record | BadRow]:
    with path.open("rb") as file:
        lines = Lines(file, path.name)
        for line in lines:
            yield from lines.drain()
            if not line.strip():
                lines.note_empty()
                continue
            yield from lines.drain_empty()
            yield _json_record(lines.number, line.rstrip("\r\n"))
        yield from lines.drain()


def _json_record(number: int, line: str) -> Record | BadRow:
    try:
        line.encode()
        values = json.loads(line, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except UnicodeEncodeError:
        return BadRow(number, "the line is not valid UTF-8", excerpt(line))
    except RecursionError:
        return BadRow(number, "the line is nested too deeply", excerpt(line))
    except ValueError as error:
        return BadRow(number, f"the line is not valid JSON: {error}", excerpt(line))
    if not isinstance(values, dict):
        return BadRow(number, "the line is not a JSON object", excerpt(line))
    return Record(number, values, excerpt(line))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _header(lines: Lines, name: str) -> tuple[list[str], Iterator[list[str]]]:
    reader = csv.reader(iter(lines), strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise UserError(f"{name} is empty: it has no header line.") from None
    except csv.Error as error:
        raise UserError(f"The header of {name} is not valid CSV: {error}.") from None
    if repeated := sorted({field for field in header if header.count(field) > 1}):
        raise UserError(f"{name} has the column {repeated[0]!r} more than once: rename one.")
    return header, reader


def _read_csv(path: Path) -> Iterator[Record | BadRow]:
    with path.open("rb") as file:
        lines = Lines(file, path.name)
        header, reader = _header(lines, path.name)
        while True:
            lines.mark()
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                reason = f"not valid CSV up to line {lines.number}: {error}"
                yield BadRow(lines.first or lines.number, reason, "")
                continue
            yield from lines.drain()
            if not fields:
                lines.note_empty()
                continue
            yield from lines.drain_empty()
            yield _csv_record(lines.first, header, fields)
        yield from lines.drain()


def _csv_record(number: int, header: list[str], fields: list[str]) -> Record | BadRow:
    text = excerpt(",".join(fields))
    if len(fields) != len(header):
        return BadRow(number, f"{len(fields)} fields where the header has {len(header)}", text)
    return Record(number, dict(zip(header, fields, strict=True)), text)


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path.name} is not a readable Parquet file: {error}.") from error
    for group in range(file.metadata.num_row_groups):
        if file.metadata.row_group(group).total_byte_size > MAX_ROW_GROUP_BYTES:
            raise UserError(
                f"Row group {group} of {path.name} has more than {MAX_ROW_GROUP_BYTES:,} bytes. "
                "Write the file again with smaller row groups."
            )
    return file


def _read_parquet(path: Path) -> Iterator[Record | BadRow]:
    file = _open_parquet(path)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=1024):
            names = batch.schema.names
            for values in zip(*(_column(column) for column in batch.columns), strict=True):
                number += 1
                record = dict(zip(names, values, strict=True))
                yield Record(number, record, excerpt(", ".join(map(str, record.values()))))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path.name} breaks off after row {number}: {error}.") from error


def _column(column: pa.Array) -> list[object]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = column.cast(kind).cast(pa.large_binary())  # Parquet does not check its UTF-8
        return [v if v is None else v.decode("utf-8", "surrogateescape") for v in texts.to_pylist()]
    return list(column.to_pylist())
