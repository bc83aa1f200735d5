"""Grades of completions: correct, incorrect or invalid, kept apart everywhere."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from algorithms.asking import Grading, Rewards
from algorithms.data.graders.formats import FORMATS
from algorithms.data.graders.pool import Answer, Pool, Question
from algorithms.data.graders.registry import GRADERS

Grade = Literal["correct", "incorrect", "invalid"]
FinishReason = Literal["stop", "length"]

GRADES: tuple[Grade, ...] = ("correct", "incorrect", "invalid")

MAX_PROCESSES = 8
_TICK_ITEMS = 256
_REMEMBERED = 200_000
"""Comparisons that are not made twice."""


@dataclass(frozen=True)
class Item:
    """One completion to judge."""

    completion: str
    answer: str
    """The reference answer."""
    finish_reason: FinishReason


@dataclass(frozen=True)
class Verdict:
    """What a completion came to."""

    grade: Grade
    parsed: str | None
    """Its answer as it was read, None where invalid; equal answers are equal texts."""
    well_formed: bool | None = None
    """Whether it keeps the form that is asked for; None where none is."""


class Judge:
    """Grades completions by one grader; its processes live until the `with` block ends.

    Reading an answer and comparing texts and numbers takes no longer than reading them. What has
    to be compared symbolically is asked in processes that are killed when they take too long or
    too much memory: such a completion is invalid. The order in which they finish changes nothing.
    """

    def __init__(self, grading: Grading, *, processes: int | None = None) -> None:
        self._grading = grading
        self._grader = GRADERS[grading.grader]
        count = processes or min(MAX_PROCESSES, len(os.sched_getaffinity(0)))
        self._pool = Pool(count, grading.time_limit_s)
        self._expected: dict[str, str] = {}
        self._known: dict[Question, Answer | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def grade_all(
        self, items: Sequence[Item], *, on_progress: Callable[[int], None] = lambda _: None
    ) -> list[Verdict]:
        """Return a verdict for each completion, in the same order.

        Args:
            on_progress: called now and then with the number of verdicts; may raise.

        Raises:
            UserError: a reference answer is none that the grader can use.
        """
        verdicts: list[Verdict | Question] = []
        for number, item in enumerate(items):
            if number % _TICK_ITEMS == 0:
                on_progress(sum(isinstance(v, Verdict) for v in verdicts[-_TICK_ITEMS:]))
            verdicts.append(self._looked_at(item))
        self._ask(verdicts, on_progress)
        return [
            self._answered(verdict, item) if isinstance(verdict, Question) else verdict
            for verdict, item in zip(verdicts, items, strict=True)
        ]

    def _looked_at(self, item: Item) -> Verdict | Question:
        expected = self._expect(item.answer)
        cut_off = item.finish_reason == "length" and self._grading.cut_off == "invalid"
        given = None if cut_off else self._grader.read(item.completion, self._grading)
        if given is None:
            return self._verdict("invalid", None, item)
        same = self._grader.same(given, expected, self._grading)
        if same is None:
            return Question(given, expected, self._grading.tolerance)
        return self._verdict("correct" if same else "incorrect", expected if same else given, item)

    def _expect(self, answer: str) -> str:
        if answer not in self._expected:
            if len(self._expected) > _REMEMBERED:
                self._expected.clear()
            self._expected[answer] = self._grader.expect(answer, self._grading)
        return self._expected[answer]

    def _ask(
        self, verdicts: Sequence[Verdict | Question], on_progress: Callable[[int], None]
    ) -> None:
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        asked = [v for v in verdicts if isinstance(v, Question)]
        fresh = [q for q in dict.fromkeys(asked) if q not in self._known]
        told = len(verdicts) - len(fresh)
        answers = self._pool.ask(fresh, lambda done: on_progress(told + done))
        self._known |= dict(zip(fresh, answers, strict=True))
        on_progress(len(verdicts))

    def _answered(self, question: Question, item: Item) -> Verdict:
        answer = self._known[question]
        if answer is None:
            return self._verdict("invalid", None, item)
        if answer.same:
            return self._verdict("correct", question.expected, item)
        return self._verdict("incorrect", answer.canonical, item)

    def _verdict(self, grade: Grade, parsed: str | None, item: Item) -> Verdict:
        asked = self._grading.format
        return Verdict(grade, parsed, None if asked == "any" else FORMATS[asked](item.completion))


def grade_all(
    items: Sequence[Item],
    grading: Grading,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Verdict]:
    """Return a verdict for each completion, in the same order; see `Judge.grade_all`."""
    with Judge(grading, processes=processes) as judge:
        return judge.grade_all(items, on_progress=on_progress)


def grade(completion: str, answer: str, *, finish_reason: FinishReason, grading: Grading) -> Grade:
    """Return what one completion is worth.

    Raises:
        UserError: the reference answer is none that the grader can use.
    """
    return grade_all([Item(completion, answer, finish_reason)], grading)[0].grade


def reward(given: Grade, rewards: Rewards, *, well_formed: bool | None = None) -> float:
    """Return the number that a grade is worth, the format term included where a form is asked."""
    term = 0.0 if well_formed is None else rewards.format if well_formed else -rewards.format
    match given:
        case "correct":
            return rewards.correct + term
        case "incorrect":
            return rewards.incorrect + term
        case "invalid":
            return rewards.invalid + term
