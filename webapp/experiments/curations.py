"""Curations of an experiment: named choices among its graded completions, and where to start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from algorithms.curation.steps import CurateSpec, Step

NAME_LENGTH = 60


class Curation(CurateSpec):
    """One choice among the graded completions, under a name."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    """In legends and tables, where several are compared."""

    @field_validator("name")
    @classmethod
    def _name_is_seen(cls, name: str) -> str:
        name = " ".join(name.split())
        if not name:
            raise PydanticCustomError("curation", "Give it a name.")
        return name

    @property
    def spec(self) -> CurateSpec:
        """What its job is told."""
        return CurateSpec(steps=self.steps, seed=self.seed)


@dataclass(frozen=True)
class Start:
    """A curation to start from."""

    key: str
    title: str
    name: str
    steps: Sequence[Mapping[str, Any]]


STARTS = (
    Start("all", "All completions", "all", ()),
    Start("positives", "Positives only", "positives only", ({"op": "positives"},)),
    Start("anna_karenina", "Anna Karenina", "Anna Karenina", ({"op": "anna_karenina"},)),
    Start("uniform", "Uniform sample", "uniform", ({"op": "uniform", "size": 1000},)),
    Start(
        "ten_percent",
        "10% positives",
        "10% positives",
        ({"op": "share", "size": 1000, "positives": 0.1},),
    ),
    Start("pairs", "Preference pairs", "pairs", ({"op": "pairs"},)),
)
"""What the New experiment page offers; sizes of draws are for a small set, to be changed."""


def rows_after(steps: Sequence[Step], rows: int | None) -> int | None:
    """Return how many completions steps leave of `rows`; None where only the data can tell."""
    for step in steps:
        match step.op:
            case "uniform" | "share":
                rows = step.size
            case _:
                rows = None
    return rows
