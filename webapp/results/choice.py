"""What a person chose to compare, as an address and back; pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from django.http import QueryDict

from webapp.results.curves import XAxis
from webapp.results.groups import GroupBy

MAX_RUNS = 400
"""Runs drawn at once; more would be neither readable nor quick."""
DEFAULT_METRIC = "eval_sampled_accuracy"
DEFAULT_OUTCOME = "pass_at_1"
MAX_SMOOTHING = 0.99
_MOST = 10 * MAX_RUNS
"""Ids read from one address; a range is cut where more could never be shown."""
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class Choice:
    """Everything that determines the compare page."""

    runs: tuple[int, ...] = ()
    metric: str = DEFAULT_METRIC
    axis: XAxis = XAxis.STEPS
    smoothing: float = 0.0
    band: bool = True
    log_y: bool = False
    group: GroupBy = GroupBy.LABEL
    reference: int | None = None
    """Id of a run of the reference group; None is the base policy, or the first group."""
    outcome: str = DEFAULT_OUTCOME
    benchmark: int | None = None
    """Dataset whose evaluations are compared; None for those of the experiments themselves."""
    target: float | None = None
    """Accuracy whose cost is told; None lets the runs decide."""
    dropped: int = 0
    """Runs beyond MAX_RUNS."""

    def query(self) -> str:
        """Return the shortest query string that restores the page."""
        fields: list[tuple[str, str]] = []
        if self.runs:
            fields.append(("runs", compact(self.runs)))
        changed = {
            "metric": self.metric,
            "x": str(self.axis),
            "smooth": f"{self.smoothing:g}",
            "band": "1" if self.band else "0",
            "log": "1" if self.log_y else "0",
            "group": str(self.group),
            "outcome": self.outcome,
        }
        fields += [(key, value) for key, value in changed.items() if value != _DEFAULTS[key]]
        if self.reference is not None:
            fields.append(("ref", str(self.reference)))
        if self.benchmark is not None:
            fields.append(("benchmark", str(self.benchmark)))
        if self.target is not None:
            fields.append(("target", f"{self.target:g}"))
        return urlencode(fields, safe=",")


_DEFAULTS = {
    "metric": DEFAULT_METRIC,
    "x": "steps",
    "smooth": "0",
    "band": "1",
    "log": "0",
    "group": "label",
    "outcome": DEFAULT_OUTCOME,
}


def parse(query: QueryDict, metrics: Iterable[str], outcomes: Iterable[str]) -> Choice:
    """Return the choice that an address describes; what cannot be understood takes its default.

    A form sends every tick as `run`, an address all of them as `runs=1-5,9`. A form also sends
    `form=1`, because an unticked box sends nothing.
    """
    runs = sorted(set(ids_of(query.getlist("runs") + query.getlist("run"))))
    is_form = query.get("form") == "1"
    return Choice(
        runs=tuple(runs[:MAX_RUNS]),
        metric=one_of(query.get("metric", ""), metrics, DEFAULT_METRIC),
        axis=enum_of(XAxis, query.get("x", ""), XAxis.STEPS),
        smoothing=smoothing_of(query.get("smooth", "")),
        band=query.get("band", "0" if is_form else "1") != "0",
        log_y=query.get("log", "0") == "1",
        group=enum_of(GroupBy, query.get("group", ""), GroupBy.LABEL),
        reference=number_of(query.get("ref", "")),
        benchmark=number_of(query.get("benchmark", "")),
        outcome=one_of(query.get("outcome", ""), outcomes, DEFAULT_OUTCOME),
        target=_share(query.get("target", "")),
        dropped=max(0, len(runs) - MAX_RUNS),
    )


def with_runs(choice: Choice, runs: Iterable[int]) -> Choice:
    """Return the choice with other runs."""
    found = sorted(set(runs))
    return replace(choice, runs=tuple(found[:MAX_RUNS]), dropped=max(0, len(found) - MAX_RUNS))


def compact(ids: Sequence[int]) -> str:
    """Return sorted ids as 1-5,9."""
    parts: list[list[int]] = []
    for one in ids:
        if parts and parts[-1][-1] == one - 1:
            parts[-1] = [parts[-1][0], one]
        else:
            parts.append([one])
    return ",".join("-".join(map(str, part)) for part in parts)


def ids_of(texts: Iterable[str]) -> list[int]:
    """Return the ids of texts like 1-5,9."""
    found: list[int] = []
    for part in ",".join(texts).split(","):
        match = _RANGE.fullmatch(part.strip())
        if match and len(found) < _MOST:
            first, last = int(match[1]), int(match[2] or match[1])
            found += range(first, min(last, first + _MOST) + 1)
    return found


def one_of(text: str, known: Iterable[str], default: str) -> str:
    """Return a text that is known, else the default."""
    return text if text in set(known) else default


def enum_of(kind: type[E], text: str, default: E) -> E:
    """Return the member that a text names, else the default."""
    return kind(text) if text in set(kind) else default


def number_of(text: str) -> int | None:
    """Return a whole number, None where it is something else."""
    return int(text) if _RANGE.fullmatch(text) and text.isdigit() else None


def _share(text: str) -> float | None:
    """Return a number from 0 to 1, as a percentage too; None where it is something else."""
    match = re.fullmatch(r"\s*(\d{0,3}(?:\.\d{1,6})?)\s*(%?)\s*", text)
    if not match or not match[1]:
        return None
    number = float(match[1]) / (100 if match[2] else 1)
    return number if number <= 1 else None


def smoothing_of(text: str) -> float:
    """Return a smoothing weight, 0 where it is something else."""
    if not re.fullmatch(r"0?\.\d{1,6}|0|0\.0*", text):
        return 0.0
    return min(float(text), MAX_SMOOTHING)
