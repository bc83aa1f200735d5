"""What a person asks of the page of problems, as an address and back; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from django.http import QueryDict

from webapp.results.choice import compact, ids_of

MAX_RUNS = 60
"""Columns shown at once; more would be too narrow to hit."""


class By(StrEnum):
    """Which completions are counted."""

    SAMPLED = "pass_at_1"
    GREEDY = "greedy_accuracy"


class Solved(StrEnum):
    """From which share of correct completions on a problem counts as solved."""

    HALF = "half"
    ANY = "any"
    ALL = "all"


class Show(StrEnum):
    """Which problems are listed: by what the base run and the chosen run solve."""

    ALL = "all"
    LEARNED = "learned"
    FORGOTTEN = "forgotten"
    BOTH = "both"
    NEITHER = "neither"


class Order(StrEnum):
    """In which order problems are listed."""

    HARDEST = "hardest"
    EASIEST = "easiest"
    GAINED = "gained"
    LOST = "lost"
    ID = "id"


class Look(StrEnum):
    """What a cell's colour says."""

    SHARE = "share"
    CHANGE = "change"


E = TypeVar("E", By, Solved, Show, Order, Look)


@dataclass(frozen=True)
class ProblemChoice:
    """Everything that determines the page of problems."""

    runs: tuple[int, ...] = ()
    base: int | None = None
    """Run that the others are held against; None is the base policy, or the first run."""
    run: int | None = None
    """Run whose learned and forgotten problems are listed; None is the first other one."""
    benchmark: int | None = None
    """Dataset whose evaluations are shown; None for those of the experiments themselves."""
    by: By = By.SAMPLED
    solved: Solved = Solved.HALF
    show: Show = Show.ALL
    order: Order = Order.HARDEST
    look: Look = Look.SHARE
    page: int = 1
    dropped: int = 0
    """Runs beyond MAX_RUNS."""

    def query(self) -> str:
        """Return the shortest query string that restores the page."""
        plain = ProblemChoice()
        found = [("runs", compact(self.runs))] if self.runs else []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in {"runs", "dropped"} and value != getattr(plain, field.name):
                found.append((field.name, str(value)))
        return urlencode(found, safe=",")

    def but(self, **changes: object) -> "ProblemChoice":
        """Return another choice, from its first page unless a page is named."""
        return replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]  # names are fields


def parse_problems(query: QueryDict) -> ProblemChoice:
    """Return the choice that an address describes; what cannot be understood takes its default."""
    runs = sorted(set(ids_of(query.getlist("runs") + query.getlist("run_ids"))))
    return ProblemChoice(
        runs=tuple(runs[:MAX_RUNS]),
        base=_number(query.get("base", "")),
        run=_number(query.get("run", "")),
        benchmark=_number(query.get("benchmark", "")),
        by=_member(By, query.get("by", "")),
        solved=_member(Solved, query.get("solved", "")),
        show=_member(Show, query.get("show", "")),
        order=_member(Order, query.get("order", "")),
        look=_member(Look, query.get("look", "")),
        page=_number(query.get("page", "")) or 1,
        dropped=max(0, len(runs) - MAX_RUNS),
    )


def _member(kind: type[E], text: str) -> E:
    members: Iterable[E] = kind
    return kind(text) if text in set(kind) else next(iter(members))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
