"""Problems by runs: who solves what, and what each run learned or forgot against a base run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algorithms.evaluation.holm import holm
from algorithms.evaluation.mcnemar import mcnemar
from webapp.results import selectors
from webapp.results.outcomes import (
    OutcomesMissing,
    ProblemOutcomes,
    common_problems,
    outcomes_of,
)
from webapp.results.problem_choice import MAX_RUNS, Order, ProblemChoice, Show, Solved
from webapp.results.rows import RunRow
from webapp.results.statistics import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """One run: its share of correct completions on each of the common problems."""

    run: RunRow
    name: str
    job_id: int
    """Its evaluation."""
    values: FloatArray
    solved: BoolArray
    places: IntArray
    """Number of each problem in the evaluation's file."""

    @property
    def accuracy(self) -> float:
        """Mean over the problems."""
        return float(self.values.mean())

    @property
    def samples(self) -> int:
        """Completions sampled per problem."""
        return int(self.run.summary.get("samples") or 0)


@dataclass(frozen=True)
class Standing:
    """A run held against the base run; the four counts add up to the number of problems."""

    column: Column
    learned: int
    """Solved by the run, not by the base run."""
    forgotten: int
    both: int
    neither: int
    p_value: float
    """McNemar's exact test, two-sided."""
    p_adjusted: float
    """After Holm's correction over all runs of the page."""


@dataclass(frozen=True)
class Grid:
    """The chosen runs on the problems that all of them were asked."""

    choice: ProblemChoice
    problems: tuple[str, ...]
    columns: tuple[Column, ...]
    base: Column | None
    focus: Column | None
    standings: tuple[Standing, ...]
    shown: IntArray
    """Problems that are listed, in order, as places in `problems`."""
    notes: tuple[str, ...]
    """What is left out, and why."""

    def count(self, show: Show) -> int:
        """Return how many problems a filter leaves."""
        return int(_filtered(self.base, self.focus, show, len(self.problems)).sum())


def load_grid(choice: ProblemChoice) -> Grid:
    """Return the grid of a choice; 3 queries, none without runs."""
    runs = selectors.run_rows(choice.runs, choice.benchmark) if choice.runs else []
    loaded, notes = _load(runs, choice)
    problems = common_problems([found for _, found in loaded]) if loaded else ()
    if loaded and (largest := max(len(found.problems) for _, found in loaded)) > len(problems):
        notes.append(
            f"Only the {len(problems)} problems that all evaluations share are shown, of up to "
            f"{largest}."
        )
    if not problems:
        return Grid(choice, (), (), None, None, (), np.zeros(0, dtype=np.int64), tuple(notes))
    names = _names([run for run, _ in loaded])
    columns = tuple(
        _column(run, name, found, problems=problems, choice=choice)
        for (run, found), name in zip(loaded, names, strict=True)
    )
    base, focus = _base_and_focus(columns, choice)
    kept = np.flatnonzero(_filtered(base, focus, choice.show, len(problems)))
    return Grid(
        choice=choice,
        problems=problems,
        columns=columns,
        base=base,
        focus=focus,
        standings=_standings(columns, base),
        shown=kept[_order(columns, base, focus, choice.order)[kept].argsort(kind="stable")],
        notes=tuple(notes),
    )


def _load(
    runs: Sequence[RunRow], choice: ProblemChoice
) -> tuple[list[tuple[RunRow, ProblemOutcomes]], list[str]]:
    """Return the runs that have outcomes, and what is to be said of the others."""
    loaded, notes = [], []
    if choice.dropped:
        notes.append(f"{choice.dropped} runs are left out: at most {MAX_RUNS} fit the page.")
    for run in runs:
        if run.evaluate is None or run.evaluate.artifact is None:
            notes.append(f"{run.label}, seed {run.seed}, is not evaluated yet.")
            continue
        try:
            found = outcomes_of(run.evaluate.artifact)
        except OutcomesMissing as error:
            notes.append(str(error))
            continue
        if choice.by in found.figures:
            loaded.append((run, found))
        else:
            notes.append(f"{run.label}, seed {run.seed}, was evaluated without sampling.")
    return loaded, notes


def _names(runs: Sequence[RunRow]) -> list[str]:
    """Return a name for each run that no other one has."""
    plain = [run.label if run.is_base else f"{run.label}, seed {run.seed}" for run in runs]
    return [
        name if plain.count(name) == 1 else f"{name} (run {run.id})"
        for run, name in zip(runs, plain, strict=True)
    ]


def _column(
    run: RunRow,
    name: str,
    found: ProblemOutcomes,
    *,
    problems: tuple[str, ...],
    choice: ProblemChoice,
) -> Column:
    values = found.on(problems, choice.by)
    if run.evaluate is None:
        raise ValueError("a run without an evaluation has no column")
    return Column(
        run=run,
        name=name,
        job_id=run.evaluate.id,
        values=values,
        solved=_solved(values, choice.solved),
        places=found.places_of(problems),
    )


def _solved(values: FloatArray, level: Solved) -> BoolArray:
    match level:
        case Solved.ANY:
            return np.asarray(values > 0)
        case Solved.HALF:
            return np.asarray(values >= 0.5)
        case Solved.ALL:
            return np.asarray(values == 1)


def _base_and_focus(columns: Sequence[Column], choice: ProblemChoice) -> tuple[Column, Column]:
    by_run = {column.run.id: column for column in columns}
    given = next((column for column in columns if column.run.is_base), columns[0])
    base = by_run.get(choice.base or 0, given)
    others = [column for column in columns if column is not base]
    return base, by_run.get(choice.run or 0, others[0] if others else base)


def _filtered(base: Column | None, focus: Column | None, show: Show, problems: int) -> BoolArray:
    """Return which problems a filter leaves."""
    if base is None or focus is None:
        return np.ones(problems, dtype=bool)
    before, after = base.solved, focus.solved
    match show:
        case Show.LEARNED:
            return np.asarray(after & ~before)
        case Show.FORGOTTEN:
            return np.asarray(before & ~after)
        case Show.BOTH:
            return np.asarray(before & after)
        case Show.NEITHER:
            return np.asarray(~before & ~after)
        case Show.ALL:
            return np.ones(problems, dtype=bool)


def _order(columns: Sequence[Column], base: Column, focus: Column, order: Order) -> FloatArray:
    """Return a number per problem to sort by, smallest first; equal ones stay in order of id."""
    mean = np.mean([column.values for column in columns], axis=0)
    match order:
        case Order.HARDEST:
            return np.asarray(mean)
        case Order.EASIEST:
            return np.asarray(-mean)
        case Order.GAINED:
            return np.asarray(base.values - focus.values)
        case Order.LOST:
            return np.asarray(focus.values - base.values)
        case Order.ID:
            return np.zeros(mean.size)


def _standings(columns: Sequence[Column], base: Column) -> tuple[Standing, ...]:
    others = [column for column in columns if column is not base]
    tests = {column.run.id: mcnemar(base.solved, column.solved) for column in others}
    adjusted = holm({run: test.p_value for run, test in tests.items()})
    return tuple(
        Standing(
            column=column,
            learned=tests[column.run.id].gained,
            forgotten=tests[column.run.id].lost,
            both=int((base.solved & column.solved).sum()),
            neither=int((~base.solved & ~column.solved).sum()),
            p_value=tests[column.run.id].p_value,
            p_adjusted=adjusted[column.run.id],
        )
        for column in others
    )
