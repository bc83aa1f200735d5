"""What a job said and the database has not confirmed yet: kept in memory and in a file.

The file makes a killed job's last words survive: the next attempt on this disk sends them. It needs
no fsync: a killed process leaves its written pages to the kernel.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

PREFIX = "outbox-"


@dataclass(frozen=True)
class Point:
    """A value of a metric."""

    name: str
    step: int
    samples: int
    tokens: int
    seconds: float
    value: float


@dataclass(frozen=True)
class Line:
    """A line of the log."""

    attempt: int
    at: str
    """ISO 8601 with microseconds."""
    level: str
    text: str


@dataclass(frozen=True)
class Alarm:
    """An event of a sentinel."""

    sentinel: str
    step: int
    text: str
    value: float
    limit: float
    stops: bool


Record: TypeAlias = Point | Line | Alarm


_KINDS: dict[str, type[Point] | type[Line] | type[Alarm]] = {
    "point": Point,
    "line": Line,
    "alarm": Alarm,
}
"""By their names in the file."""


class Outbox:
    """Records in order. Not thread-safe: its user holds a lock."""

    def __init__(self, folder: Path, attempt: int) -> None:
        """Take over what earlier attempts left unconfirmed."""
        old = sorted(folder.glob(f"{PREFIX}*.jsonl"))
        self.pending: list[Record] = [record for path in old for record in _read(path)]
        path = folder / f"{PREFIX}{attempt:06d}.jsonl"
        # Unbuffered: what is added is in the kernel's hands before `add` returns.
        self._file = path.with_suffix(".new").open("wb", buffering=0)
        self._append(self.pending)
        path.with_suffix(".new").rename(path)
        for done in old:
            if done != path:
                done.unlink()

    def add(self, records: list[Record]) -> None:
        """Keep records.

        Raises:
            OSError: The disk is full; the records are not kept.
        """
        self._append(records)
        self.pending += records

    def _append(self, records: list[Record]) -> None:
        kinds = {kind: name for name, kind in _KINDS.items()}
        lines = (
            json.dumps({"kind": kinds[type(record)], **asdict(record)}) + "\n" for record in records
        )
        data = "".join(lines).encode()
        while data:
            data = data[self._file.write(data) :]

    def confirm(self, count: int) -> None:
        """Forget the oldest records: the database has them."""
        del self.pending[:count]
        if not self.pending:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Stop writing; what is unconfirmed stays in the file."""
        self._file.close()


def _read(path: Path) -> Iterator[Record]:
    """Yield what a file holds; a line that a full disk or a kill has torn is left out."""
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        yield _KINDS[entry.pop("kind")](**entry)
