"""Rows of a dataset from a JSONL, CSV or Parquet file: every bad row is reported, none dropped."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from algorithms.base import UserError
from algorithms.data.lines import BadRow
from algorithms.data.records import Format, Record, columns, format_of, read

__all__ = ["BadRow", "FieldMapping", "Format", "Row", "RowChecker", "columns", "format_of", "parse"]

MAX_ID_CHARACTERS = 200
_SPLIT = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True)
class Row:
    """One problem: what is asked and what is right."""

    id: str
    prompt: str
    answer: str
    split: str
    group: str | None = None
    """A level or subject, where the source names one."""


@dataclass(frozen=True)
class FieldMapping:
    """Which column holds what."""

    prompt: str = "prompt"
    answer: str = "answer"
    id: str = ""
    """Empty numbers the rows by their line."""
    split: str = ""
    """Empty puts every row into `default_split`."""
    group: str = ""
    """Column with a level or subject; empty for none."""
    default_split: str = "train"

    def required(self) -> list[str]:
        """Return the columns that every record must have."""
        return [name for name in self._named() if name]

    def _named(self) -> tuple[str, ...]:
        return (self.prompt, self.answer, self.id, self.split, self.group)


class _BadValue(ValueError):  # noqa: N818 - says what is wrong with one value, ends in a BadRow
    pass


@dataclass
class RowChecker:
    """Turns records into rows, one after the other; knows the ids it has seen."""

    mapping: FieldMapping
    _seen: set[str] = field(default_factory=set)

    def check(self, record: Record, *, prefix: str = "") -> Row | BadRow:
        """Return the row, or what is wrong with it; `prefix` goes before a line-number id."""
        mapping = self.mapping
        try:
            row = Row(
                id=_id(record, mapping.id) if mapping.id else f"{prefix}{record.line}",
                prompt=_text(record.values, mapping.prompt),
                answer=_text(record.values, mapping.answer),
                split=_split(record.values, mapping),
                group=_group(record.values, mapping),
            )
        except _BadValue as error:
            return BadRow(record.line, str(error), record.excerpt)
        if row.id in self._seen:
            return BadRow(record.line, f"the id {row.id!r} is already taken", record.excerpt)
        self._seen.add(row.id)
        return row


def parse(
    path: Path,
    mapping: FieldMapping,
    *,
    format: Format | None = None,  # noqa: A002 - what a person calls it
    checker: RowChecker | None = None,
    prefix: str = "",
) -> Iterator[Row | BadRow]:
    """Yield a Row for every good record of a file and a BadRow for every other, in order.

    Memory stays bounded by the longest line that is read and one id per row.

    Args:
        format: what the file is, where its name does not say it.
        checker: keeps ids unique over several files.

    Raises:
        UserError: the file is no such file, or has no such column (CSV, Parquet).
    """
    kind = format or format_of(path)
    checker = checker or RowChecker(mapping)
    if kind != "jsonl":
        _require_columns(columns(path, kind), mapping, path.name)
    for record in read(path, kind):
        yield checker.check(record, prefix=prefix) if isinstance(record, Record) else record


def _require_columns(present: list[str], mapping: FieldMapping, name: str) -> None:
    for column in mapping.required():
        if column not in present:
            shown = ", ".join(map(repr, present[:30])) or "none"
            raise UserError(f"{name} has no column {column!r}. Its columns: {shown}.")


def _text(values: Mapping[str, object], name: str) -> str:
    if name not in values:
        raise _BadValue(f"the field {name!r} is missing")
    value = values[name]
    if value is None:
        raise _BadValue(f"the field {name!r} is null")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _BadValue(f"the field {name!r} is a {type(value).__name__}, not a text or a number")
    text = str(value)
    if not text.strip():
        raise _BadValue(f"the field {name!r} is empty")
    if "\0" in text:
        raise _BadValue(f"the field {name!r} contains a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _BadValue(f"the field {name!r} is not valid UTF-8") from None
    return text


def _id(record: Record, name: str) -> str:
    text = _text(record.values, name)
    if len(text) > MAX_ID_CHARACTERS:
        raise _BadValue(f"the id has {len(text)} characters; at most {MAX_ID_CHARACTERS} fit")
    return text


def _group(values: Mapping[str, object], mapping: FieldMapping) -> str | None:
    if not mapping.group or values.get(mapping.group) is None:
        return None
    return _text(values, mapping.group)[:MAX_ID_CHARACTERS]


def _split(values: Mapping[str, object], mapping: FieldMapping) -> str:
    if not mapping.split:
        return mapping.default_split
    text = _text(values, mapping.split)
    if not _SPLIT.fullmatch(text):
        raise _BadValue(f"the split {text[:40]!r} is not a short word")
    return text
