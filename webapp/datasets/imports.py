"""From a file to the rows of an artifact: every row is either good or reported."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from algorithms.base import UserError
from algorithms.data.records import Record, read
from algorithms.data.rows import BadRow, FieldMapping, Format, Row, columns, parse
from algorithms.data.tables import BAD_ROWS, BAD_ROWS_FILE, ROWS, ROWS_FILE, TableWriter

SHOWN_BAD_ROWS = 50
"""Bad rows that a page shows; the report has all of them."""

_CANDIDATES = {
    "prompt": ("prompt", "question", "problem", "instruction", "input", "query", "text", "x"),
    "answer": ("answer", "solution", "target", "output", "label", "reference", "response", "y"),
    "id": ("id", "uid", "uuid", "key", "problem_id", "prompt_id", "question_id", "index"),
    "split": ("split", "subset", "partition", "fold"),
}
"""Usual names of columns, the likeliest first."""


@dataclass(frozen=True)
class Outcome:
    """What reading a whole file came to."""

    good: int
    bad: int
    splits: dict[str, int]
    first_bad: tuple[BadRow, ...]
    sha256: str
    """Of all rows and all reports: two files with the same content have the same."""

    @property
    def total(self) -> int:
        """All rows of the file."""
        return self.good + self.bad

    @property
    def summary(self) -> dict[str, float | int | str]:
        """What the artifact says about itself."""
        return {"rows": self.good, "bad_rows": self.bad, **self.splits}


class BadRowsError(UserError):
    """Some rows are bad and nobody has said that the others are enough."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        shown = "; ".join(f"line {row.line}: {row.reason}" for row in outcome.first_bad[:3])
        more = f"; and {outcome.bad - 3:,} more" if outcome.bad > 3 else ""
        super().__init__(
            f"{outcome.bad:,} of {outcome.good + outcome.bad:,} rows are bad ({shown}{more}). "
            f"Mend the file, or ask for the {outcome.good:,} good rows only."
        )


def guess_mapping(names: list[str]) -> FieldMapping:
    """Return the columns that are probably meant, by their names; the first ones failing that."""
    by_name = {name.strip().lower(): name for name in reversed(names)}

    def first(kind: str) -> str:
        return next((by_name[c] for c in _CANDIDATES[kind] if c in by_name), "")

    prompt, answer = first("prompt"), first("answer")
    rest = [name for name in names if name not in {prompt, answer, first("id"), first("split")}]
    prompt = prompt or (rest.pop(0) if rest else "")
    answer = answer or (rest.pop(0) if rest else "")
    return FieldMapping(prompt=prompt, answer=answer, id=first("id"), split=first("split"))


@dataclass(frozen=True)
class Glimpse:
    """The first records of a file, as they are."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]
    """Line number and the text of each column."""


def glimpse(path: Path, kind: Format, *, rows: int = 8) -> Glimpse:
    """Return the file's columns and first records.

    Raises:
        UserError: The file is not what its name says, or has no columns at all.
    """
    names = columns(path, kind)
    if not names:
        raise UserError("No row could be read: the file has no field to choose from.")
    records = (item for item in read(path, kind) if isinstance(item, Record))
    shown = [
        (record.line, [_cell(record.values.get(name)) for name in names])
        for record in islice(records, rows)
    ]
    return Glimpse(columns=names, rows=shown)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.encode("utf-8", "replace").decode()[:200]


def convert(path: Path, kind: Format, mapping: FieldMapping, folder: Path) -> Outcome:
    """Write `rows.parquet` (and `bad_rows.parquet`, if any) into the folder; return the counts.

    Raises:
        UserError: The file as a whole cannot be read.
    """
    splits: Counter[str] = Counter()
    first_bad: list[BadRow] = []
    bad = 0
    digest = hashlib.sha256()
    with ExitStack() as stack:
        rows = stack.enter_context(TableWriter(folder / ROWS_FILE, ROWS))
        reports: TableWriter | None = None
        for item, record in _items(path, kind, mapping):
            digest.update(json.dumps(record, ensure_ascii=True).encode())
            if isinstance(item, BadRow):
                if reports is None:
                    writer = TableWriter(folder / BAD_ROWS_FILE, BAD_ROWS)
                    reports = stack.enter_context(writer)
                reports.write(record)
                bad += 1
                first_bad += [item] if bad <= SHOWN_BAD_ROWS else []
            else:
                rows.write(record)
                splits[item.split] += 1
    return Outcome(splits.total(), bad, dict(splits), tuple(first_bad), digest.hexdigest())


def _items(
    path: Path, kind: Format, mapping: FieldMapping
) -> Iterator[tuple[Row | BadRow, dict[str, object]]]:
    for item in parse(path, mapping, format=kind):
        yield item, dict(vars(item))
