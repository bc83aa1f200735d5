"""Steps one after another: from a set of completions to the rows that a curation keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithms.base import UserError
from algorithms.curation import anna_karenina, operators, pairs
from algorithms.curation.columns import Columns, Ints
from algorithms.curation.operators import Kept
from algorithms.curation.steps import TITLES, CurateSpec

OPERATORS: Mapping[str, Callable[[Columns, Ints, Any, np.random.Generator], Kept]] = {
    "grades": operators.grades,
    "lengths": operators.lengths,
    "pass_rate": operators.pass_rate,
    "zero_variance": operators.zero_variance,
    "deduplicate": operators.deduplicate,
    "cap": operators.cap,
    "positives": operators.positives,
    "uniform": operators.uniform,
    "share": operators.share,
    "anna_karenina": anna_karenina.anna_karenina,
    "pairs": pairs.pairs,
}
"""The function of each kind of step."""


class StepError(UserError):
    """A step cannot be done; `step` is its number from 0."""

    def __init__(self, step: int, op: str, reason: str) -> None:
        super().__init__(f"Step {step + 1} ({TITLES[op].lower()}): {reason}")
        self.step = step
        self.reason = reason


@dataclass(frozen=True)
class Stage:
    """What one step did."""

    op: str
    before: int
    after: int
    warning: str


@dataclass(frozen=True)
class Curated:
    """What a curation keeps."""

    rows: Ints
    """Ascending row numbers of the source."""
    pairs: Ints | None
    """Number of each row's pair, where the last step made pairs."""
    stages: tuple[Stage, ...]

    @property
    def warnings(self) -> list[str]:
        """Sentences of steps that found less than was asked for."""
        return [stage.warning for stage in self.stages if stage.warning]


def curate(columns: Columns, spec: CurateSpec) -> Curated:
    """Return what the steps leave; equal columns and specs give equal rows.

    Raises:
        StepError: a step asks for more than there is, or leaves nothing.
        UserError: there are no completions at all.
    """
    if not len(columns):
        raise UserError("The set holds 0 completions, so there is nothing to curate.")
    kept = Kept(columns.all_rows)
    stages = []
    for number, step in enumerate(spec.steps):
        random = np.random.default_rng([spec.seed, number])
        before = len(kept.rows)
        try:
            kept = OPERATORS[step.op](columns, kept.rows, step, random)
        except UserError as error:
            raise StepError(number, step.op, str(error)) from error
        if not len(kept.rows):
            reason = f"Nothing is left: none of the {before:,} completions that reach it fits."
            raise StepError(number, step.op, reason)
        stages.append(Stage(step.op, before, len(kept.rows), kept.warning))
    return Curated(kept.rows, kept.pairs, tuple(stages))
