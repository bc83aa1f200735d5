"""Cells of the labs' tables: numbers as typed, and where what is wrong with them is told."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.http import QueryDict
from pydantic_core import ErrorDetails


@dataclass
class Problems:
    """Sentences by the id of the element that they belong to."""

    by_target: dict[str, list[str]] = field(default_factory=dict)

    def add(self, target: str, sentence: str) -> None:
        """Tell one thing, once."""
        told = self.by_target.setdefault(target, [])
        if sentence not in told:
            told.append(sentence)

    def __bool__(self) -> bool:
        return bool(self.by_target)


@dataclass(frozen=True)
class Cell:
    """One input of a table."""

    id: str
    name: str
    text: str
    errors: tuple[str, ...] = ()


class TypedTable:
    """A table of inputs as its address has it; what both labs' pages are."""

    columns: ClassVar[Sequence[str]]
    """Names of the inputs of a row."""
    most_rows: ClassVar[int]
    """Rows that may be asked about; one more is shown, to say so."""
    data: QueryDict
    problems: Problems

    @property
    def rows(self) -> Iterator[list[Cell]]:
        """Yield the cells of each row."""
        longest = max(len(self.data.getlist(name)) for name in self.columns)
        for place in range(min(longest, self.most_rows + 1)):
            yield [self._cell(name, place) for name in self.columns]

    def _cell(self, name: str, place: int) -> Cell:
        texts = self.data.getlist(name)
        told = tuple(self.problems.by_target.get(f"{name}-{place}", ()))
        return Cell(f"{name}-{place}", name, texts[place] if place < len(texts) else "", told)

    @property
    def query(self) -> str:
        """The address that restores the page."""
        return self.data.urlencode()


def numbers(text: str) -> list[float]:
    """Return the numbers of a text, parted by spaces, commas or semicolons.

    Raises:
        ValueError: something in it is no number; the message says what.
    """
    found = []
    for word in filter(None, re.split(r"[\s,;]+", text.strip().replace("−", "-"))):
        try:
            found.append(float(word))
        except ValueError:
            raise ValueError(f"“{word[:20]}” is not a number.") from None
    return found


def number(text: str) -> float:
    """Return the one number of a text.

    Raises:
        ValueError: it is empty, no number or several.
    """
    found = numbers(text)
    if len(found) != 1:
        raise ValueError("Enter one number." if not found else "Enter one number, not several.")
    return found[0]


def number_texts(values: Iterable[float]) -> str:
    """Return numbers as they are typed into a cell."""
    return " ".join(f"{value:.12g}" for value in values)


def sentence(error: ErrorDetails) -> str:
    """Return one of pydantic's errors about a cell as a sentence."""
    context: Mapping[str, Any] = error.get("ctx", {})
    place = error["loc"][-1] if error["loc"] else None
    if isinstance(place, int) and len(error["loc"]) > 3:
        which = f"Number {place + 1}"
        if error["type"] == "less_than_equal" and context.get("le") == 0:
            return f"{which} is {error['input']:g}: the log of a probability is at most 0."
    else:
        which = "This"
    known = {
        "less_than_equal": f"{which} must be at most {context.get('le', 0):,}.",
        "greater_than_equal": f"{which} must be at least {context.get('ge', 0):,}.",
        "finite_number": f"{which} must be a finite number.",
        "too_short": "Enter at least one number.",
        "too_long": f"Enter at most {context.get('max_length')} numbers.",
        "int_from_float": "Enter a whole number.",
    }
    if error["type"] in known:
        return known[error["type"]]
    text = error["msg"].removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
