"""A `dataset` job: rows from a generator, files on the worker's disk, or the hub."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from algorithms.base import JobContext, Reporter, Stopped, Summary, UserError
from algorithms.data import arithmetic
from algorithms.data.public import read_local
from algorithms.data.records import SUFFIXES
from algorithms.data.roots import DATA_ROOTS_VARIABLE, allowed_path
from algorithms.data.rows import BadRow, FieldMapping, Row, RowChecker, parse
from algorithms.data.tables import BAD_ROWS, BAD_ROWS_FILE, ROWS, ROWS_FILE, TableWriter
from algorithms.sources import ArithmeticSource, DatasetSource, FileSource, HubSource, PublicSource
from algorithms.specs import DatasetSpec

_MESSAGES = 20
"""Bad rows that are written to the log; all of them are in the artifact."""
_CHECK_EVERY = 1000


def run(spec: DatasetSpec, context: JobContext) -> Summary:
    """Write `rows.parquet`, and `bad_rows.parquet` where there are any; return the counts.

    Raises:
        UserError: the source cannot be read, or holds no good row.
    """
    splits: Counter[str] = Counter()
    bad = _BadRows(context)
    with TableWriter(context.output / ROWS_FILE, ROWS) as rows:
        for number, item in enumerate(_items(spec.source, context.reporter)):
            if number % _CHECK_EVERY == 0 and context.reporter.should_stop():
                raise Stopped(f"Stopped after {number:,} rows.")
            if isinstance(item, BadRow):
                bad.add(item)
                continue
            rows.write(vars(item))
            splits[item.split] += 1
    bad.close()
    if not splits:
        raise UserError(
            f"The source holds no usable row ({bad.count:,} bad ones). {bad.first_reason}"
        )
    return {"rows": splits.total(), "bad_rows": bad.count, **splits}


def _items(source: DatasetSource, reporter: Reporter) -> Iterator[Row | BadRow]:
    match source:
        case ArithmeticSource():
            return arithmetic.generate(source)
        case FileSource():
            return _file_rows(source, reporter)
        case HubSource():
            from algorithms.data.hub import read_hub  # noqa: PLC0415 - a second for `datasets`

            return read_hub(source)
        case PublicSource(origin="files"):
            return read_local(source)
        case PublicSource():
            from algorithms.data.hub import read_public  # noqa: PLC0415 - a second for `datasets`

            return read_public(source)


def _file_rows(source: FileSource, reporter: Reporter) -> Iterator[Row | BadRow]:
    root = allowed_path(source.path, DATA_ROOTS_VARIABLE)
    files = [root] if root.is_file() else _files_in(root, reporter)
    mapping = FieldMapping(
        prompt=source.prompt_field,
        answer=source.answer_field,
        id=source.id_field,
        group=source.group_field,
        default_split=source.split,
    )
    checker = RowChecker(mapping)
    for path in files:
        several = len(files) > 1
        for item in parse(path, mapping, checker=checker, prefix=f"{path.name}:" * several):
            if several and isinstance(item, BadRow):
                yield BadRow(item.line, item.reason, item.excerpt, path.name)
            else:
                yield item


def _files_in(folder: Path, reporter: Reporter) -> list[Path]:
    present = sorted(folder.iterdir())
    files = [path for path in present if path.suffix.lower() in SUFFIXES]
    ignored = [path for path in present if path not in files]
    if ignored:
        names = ", ".join(path.name for path in ignored[:10])
        reporter.message(f"Left out {len(ignored)} files of other formats: {names}.")
    if not files:
        raise UserError(
            f"The folder {folder.name!r} holds no file ending in {', '.join(SUFFIXES)}."
        )
    return [allowed_path(str(path), DATA_ROOTS_VARIABLE) for path in files]


class _BadRows:
    """Bad rows go to the log, the first ones, and to a table, all of them."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._writer: TableWriter | None = None
        self.count = 0
        self.first_reason = ""

    def add(self, bad: BadRow) -> None:
        """Record one bad row."""
        if self._writer is None:
            self._writer = TableWriter(self._context.output / BAD_ROWS_FILE, BAD_ROWS)
            self.first_reason = f"Line {bad.line}: {bad.reason}."
        self._writer.write(
            {"file": bad.file, "line": bad.line, "reason": bad.reason, "excerpt": bad.excerpt}
        )
        self.count += 1
        if self.count <= _MESSAGES:
            place = f"{bad.file}, line {bad.line}" if bad.file else f"Line {bad.line}"
            self._context.reporter.message(f"{place}: {bad.reason}.", level="warning")

    def close(self) -> None:
        """Finish the table and say how many there were."""
        if self._writer is None:
            return
        self._writer.close()
        if self.count > _MESSAGES:
            rest = f"{self.count:,} bad rows in all; {BAD_ROWS_FILE} lists every one."
            self._context.reporter.message(rest, level="warning")
