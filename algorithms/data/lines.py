"""Lines of a text file that may be of any size, and reports of what is wrong with them."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from algorithms.base import UserError

MAX_LINE_BYTES = 2**20
"""Longer lines are reported and skipped without being held in memory."""
EXCERPT_CHARACTERS = 120


@dataclass(frozen=True)
class BadRow:
    """One record that is not a row, and why."""

    line: int
    """Line on which it starts, from 1; in Parquet the row number."""
    reason: str
    excerpt: str
    file: str = ""
    """Name of the file, where several are read together."""


class Lines:
    """Lines of a binary file as text; remembers the ones that were too long to hand out."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.number = 0
        self.first = 0
        self._too_long: list[BadRow] = []
        self._empty: list[int] = []  # first and number of the empty lines that came last
        start = file.read(4)
        if start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            raise UserError(f"{name} is UTF-16 text. Save it as UTF-8 and try again.")
        file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)

    def mark(self) -> None:
        """Let `first` be the number of the next line that is handed out."""
        self.first = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            self.number += 1
            if len(line) > MAX_LINE_BYTES:
                self._skip_rest(line)
                continue
            self.first = self.first or self.number
            yield line.decode("utf-8", "surrogateescape")

    def _skip_rest(self, line: bytes) -> None:
        size = len(line)
        start = line[: EXCERPT_CHARACTERS * 4]
        while not line.endswith(b"\n") and (line := self._file.readline(MAX_LINE_BYTES)):
            size += len(line)
        reason = f"the line has {size:,} bytes; at most {MAX_LINE_BYTES:,} are read"
        self._too_long.append(BadRow(self.number, reason, excerpt(start)))

    def drain(self) -> Iterator[BadRow]:
        """Yield and forget the lines that were too long."""
        yield from self._too_long
        self._too_long.clear()

    def note_empty(self) -> None:
        """Remember that the current line is empty."""
        self._empty = [self._empty[0], self._empty[1] + 1] if self._empty else [self.number, 1]

    def drain_empty(self) -> Iterator[BadRow]:
        """Yield one report of the empty lines before this one; those at the end are no loss."""
        if self._empty:
            first, count = self._empty
            reason = "the line is empty" if count == 1 else f"{count:,} empty lines from here on"
            yield BadRow(first, reason, "")
            self._empty = []


def excerpt(text: str | bytes) -> str:
    """Return the beginning of a text, safe to store and show: valid Unicode without NUL."""
    data = text if isinstance(text, bytes) else text[:500].encode("utf-8", "surrogateescape_or_sub")
    return data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[
        :EXCERPT_CHARACTERS
    ]


def _encode_anything(error: UnicodeError) -> tuple[bytes, int]:
    """Give back escaped bytes as they were, and any other lone surrogate as a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    code = ord(error.object[error.start])
    return (bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else b"?"), error.start + 1


codecs.register_error("surrogateescape_or_sub", _encode_anything)
