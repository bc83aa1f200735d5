"""The Bandit lab's page: typed arms and choices, and how every algorithm plays."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from pydantic import ValidationError

from algorithms.base import UserError
from algorithms.labs.ascent import MARKS
from algorithms.labs.bandit import MAX_ARMS, Bandit
from algorithms.labs.presets import BANDIT_EXAMPLES, BanditExample
from webapp.labs.cells import Cell, Problems, TypedTable, number, sentence
from webapp.labs.choices import ChoiceRow, choice_rows, put_choices
from webapp.labs.forms import BanditForm
from webapp.labs.services import Chosen, Played, bandit_play
from webapp.schema_forms import error_sentence

COLUMNS = {"behaviour": "behaviour", "reward": "rewards", "first": "start_policy"}
"""Name of each column's inputs, and the field of a bandit that it fills."""
FIRST = "group-relative"
ARMS = "errors-arms"
"""Id of the place for what is wrong with the arms together."""
SLICE_S = 1.5
"""How long one request computes before it shows how far it is."""


@dataclass
class BanditPage(TypedTable):
    """Everything typed on the page, and what follows from it."""

    columns = tuple(COLUMNS)
    most_rows = MAX_ARMS
    data: QueryDict
    choices: list[ChoiceRow]
    form: BanditForm
    problems: Problems = field(default_factory=Problems)
    bandit: Bandit | None = None
    played: list[Played] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether every algorithm has played to the end."""
        return all(one.is_done for one in self.played)

    @property
    def done(self) -> int:
        """Updates computed, of all algorithms."""
        total = self.bandit.updates if self.bandit else 0
        return sum(total if one.is_done else one.updates for one in self.played)

    @property
    def total(self) -> int:
        """Updates to compute, of all algorithms."""
        return self.bandit.updates * len(self.played) if self.bandit else 0

    @property
    def marks(self) -> list[int]:
        """Updates after which the table tells policies: the papers', and the last."""
        last = self.bandit.updates if self.bandit else 0
        return [mark for mark in MARKS if mark < last] + [last]

    @property
    def lines(self) -> list[tuple[ChoiceRow, Played, list[tuple[str, float | None]]]]:
        """Each algorithm with its policy and E[r] after the marks, as text and number."""
        bandit = self.bandit
        if bandit is None:
            return []
        return [
            (row, one, [_mark(bandit, one.recorded.get(mark)) for mark in self.marks])
            for row, one in zip(self.choices, self.played, strict=True)
        ]


def _mark(bandit: Bandit, policy: tuple[float, ...] | None) -> tuple[str, float | None]:
    if policy is None:
        return "", None
    return "  ".join(f"{share:.4f}" for share in policy), bandit.expected_reward(policy)


def open_bandit_page(asked: QueryDict, *, seconds: float = SLICE_S) -> BanditPage:
    """Return the page of an address, after playing for about so long."""
    example = BANDIT_EXAMPLES.get(asked.get("example", ""))
    data = asked if "behaviour" in asked else example_data(example)
    page = BanditPage(data, choice_rows(data), BanditForm(data))
    page.bandit = _bandit(page)
    chosen = [row.chosen for row in page.choices]
    if page.bandit is not None and all(chosen):
        known: list[Chosen] = [one for one in chosen if one]
        try:
            page.played = bandit_play(bandit=page.bandit, chosen=known, seconds=seconds)
        except UserError as error:
            page.problems.add(ARMS, str(error))
    return page


def example_data(example: BanditExample | None) -> QueryDict:
    """Return the address of an example; of the first one where there is none."""
    found = example or BANDIT_EXAMPLES[FIRST]
    bandit = found.bandit
    data = QueryDict(mutable=True)
    for share, reward, first in zip(
        bandit.behaviour, bandit.rewards, bandit.first_policy, strict=True
    ):
        data.appendlist("behaviour", f"{share:g}")
        data.appendlist("reward", f"{reward:g}")
        data.appendlist("first", f"{first:.6g}" if bandit.start == "typed" else "")
    data["start"] = bandit.start
    data["step_size"] = f"{bandit.step_size:g}"
    data["updates"] = str(bandit.updates)
    put_choices(data, found.choices)
    return data


def _bandit(page: BanditPage) -> Bandit | None:
    """Return the typed bandit; None where something is wrong, told at its place."""
    valid = page.form.is_valid()
    typed = valid and page.form.cleaned_data["start"] == "typed"
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS.values()}
    for cells in page.rows:
        for cell in cells:
            if cell.name == "first" and not typed:
                continue
            columns[COLUMNS[cell.name]].append(_value(page, cell))
    if page.problems or not valid:
        return None
    try:
        return Bandit.model_validate(columns | page.form.cleaned_data)
    except ValidationError as failure:
        names = {field: name for name, field in COLUMNS.items()}
        for error in failure.errors():
            _place(page, error, names)
    return None


def _place(page: BanditPage, error: Any, names: dict[str, str]) -> None:
    loc = error["loc"]
    if len(loc) == 2 and loc[0] in names:
        page.problems.add(f"{names[loc[0]]}-{loc[1]}", sentence(error))
    elif loc and loc[0] in page.form.fields:
        page.form.add_error(loc[0], error_sentence(error, Bandit, str(loc[0])))
    elif error["type"] in {"too_long", "too_short"}:
        page.problems.add(ARMS, f"A bandit has 2 to {MAX_ARMS} arms here.")
    else:
        page.problems.add(ARMS, sentence(error))


def _value(page: BanditPage, cell: Cell) -> float | None:
    try:
        return number(cell.text)
    except ValueError as error:
        page.problems.add(cell.id, str(error))
        return None
