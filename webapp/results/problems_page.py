"""What the template of the page of problems shows, with nothing left to decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.paginator import Page, Paginator
from django.urls import reverse

from webapp.results.choice import compact
from webapp.results.problem_choice import By, Look, Order, ProblemChoice, Show, Solved
from webapp.results.problems import Column, Grid, Standing
from webapp.results.rollout_file import open_index, read_rows
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import IntArray

PROBLEMS_PER_PAGE = 50
BY_WORDS = {By.SAMPLED: "sampled completions", By.GREEDY: "the greedy completion"}
SOLVED_WORDS = {
    Solved.HALF: "at least half are correct",
    Solved.ANY: "any is correct",
    Solved.ALL: "all are correct",
}
SHOW_WORDS = {
    Show.ALL: "all",
    Show.LEARNED: "learned",
    Show.FORGOTTEN: "forgotten",
    Show.BOTH: "solved by both",
    Show.NEITHER: "solved by neither",
}
ORDER_WORDS = {
    Order.HARDEST: "hardest first",
    Order.EASIEST: "easiest first",
    Order.GAINED: "most gained first",
    Order.LOST: "most lost first",
    Order.ID: "id",
}
LOOK_WORDS = {Look.SHARE: "share correct", Look.CHANGE: "change against the base run"}


@dataclass(frozen=True)
class Option:
    """An entry of a selector."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Tab:
    """A filter with the number of problems it leaves."""

    label: str
    query: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Cell:
    """One run's answers to one problem."""

    url: str
    kind: str
    """Of the colour: heat, gain or loss."""
    level: int
    """Of the colour, from 0 to 10."""
    text: str
    title: str


@dataclass(frozen=True)
class Line:
    """One problem."""

    id: str
    prompt: str
    answer: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ProblemsPage:
    """The page of problems."""

    grid: Grid
    page: "Page[int]"
    lines: tuple[Line, ...]

    @property
    def choice(self) -> ProblemChoice:
        """What was chosen."""
        return self.grid.choice

    @property
    def selectors(self) -> list[tuple[str, str, list[Option]]]:
        """Name, label and options of each selector."""
        choice = self.choice
        return [
            ("by", "Count", _options(BY_WORDS, choice.by)),
            ("solved", "solved if", _options(SOLVED_WORDS, choice.solved)),
            ("look", "Colour", _options(LOOK_WORDS, choice.look)),
            ("order", "Order", _options(ORDER_WORDS, choice.order)),
        ]

    @property
    def tabs(self) -> list[Tab]:
        """Filters; the four after the first add up to all problems."""
        chosen = self.choice.show
        return [
            Tab(word, self.choice.but(show=show).query(), self.grid.count(show), show == chosen)
            for show, word in SHOW_WORDS.items()
        ]

    @property
    def standings(self) -> list[tuple[Standing, str, bool]]:
        """Each run against the base, the address that lists its problems, whether it is listed."""
        focus = self.grid.focus
        return [
            (one, self.choice.but(run=one.column.run.id).query(), one.column is focus)
            for one in self.grid.standings
        ]

    @property
    def columns(self) -> list[tuple[Column, bool, bool]]:
        """Each column; whether it is the base run; whether its changes are listed."""
        base, focus = self.grid.base, self.grid.focus
        return [(column, column is base, column is focus) for column in self.grid.columns]

    @property
    def runs_text(self) -> str:
        """The chosen runs as an address writes them."""
        return compact(self.choice.runs)


def _options(words: Mapping[Any, str], chosen: str) -> list[Option]:
    return [Option(str(value), word, value == chosen) for value, word in words.items()]


def build_problems_page(grid: Grid) -> ProblemsPage:
    """Return the page of a grid; reads the texts of the listed problems, no query.

    Raises:
        UserError: the file with the texts cannot be read.
    """
    page = Paginator(grid.shown.tolist(), PROBLEMS_PER_PAGE).get_page(grid.choice.page)
    listed = np.array(page.object_list, dtype=np.int64)
    return ProblemsPage(grid, page, tuple(_lines(grid, listed)))


def _lines(grid: Grid, listed: IntArray) -> list[Line]:
    if grid.base is None:
        return []
    texts = _texts(grid.base, listed)
    columns = [(column, _link(column, grid)) for column in grid.columns]
    return [
        Line(
            id=grid.problems[problem],
            prompt=prompt,
            answer=answer,
            cells=tuple(_cell(column, grid, problem, link) for column, link in columns),
        )
        for problem, (prompt, answer) in zip(listed.tolist(), texts, strict=True)
    ]


def _texts(base: Column, listed: IntArray) -> list[tuple[str, str]]:
    """Return prompt and answer of the listed problems, from the base run's file."""
    artifact = _artifact(base)
    index = open_index(artifact)
    rows = index.prompt_starts[base.places[listed]]
    order = rows.argsort(kind="stable")
    records = read_rows(index, rows[order], ("prompt", "answer"))
    found = dict(zip(order.tolist(), records, strict=True))
    return [(found[place]["prompt"], found[place]["answer"]) for place in range(listed.size)]


def _artifact(column: Column) -> ArtifactRow:
    if column.run.evaluate is None or column.run.evaluate.artifact is None:
        raise ValueError("a column without an evaluation")
    return column.run.evaluate.artifact


def prefix_of(job_id: int) -> str:
    """Return the start of the addresses of an evaluation's problems."""
    return reverse("results:rollout_prompt", args=[job_id, 0]).removesuffix("0/")


def _link(column: Column, grid: Grid) -> tuple[str, str]:
    """Return what comes before and behind a problem's number in the address of a cell.

    Where changes are shown, a cell leads to both runs' answers side by side.
    """
    beside = grid.choice.look is Look.CHANGE and grid.base is not None and column is not grid.base
    if beside and grid.base is not None:
        return prefix_of(column.job_id), f"/beside/{grid.base.job_id}/"
    return prefix_of(column.job_id), "/"


def _cell(column: Column, grid: Grid, problem: int, link: tuple[str, str]) -> Cell:
    share = float(column.values[problem])
    before = float(grid.base.values[problem]) if grid.base is not None else share
    is_change = grid.choice.look is Look.CHANGE and column is not grid.base
    shown = share - before if is_change else share
    kind = "heat" if not is_change else "gain" if shown > 0 else "loss"
    text = f"{100 * shown:+.0f}" if is_change and shown else f"{100 * shown:.0f}"
    return Cell(
        url=f"{link[0]}{column.places[problem]}{link[1]}",
        kind=kind,
        level=round(10 * abs(shown)),
        text=text,
        title=f"{column.name}: {100 * share:.0f} % correct",
    )
