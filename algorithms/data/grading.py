"""Grades of completions: correct, incorrect or invalid, kept apart everywhere."""

import re
from typing import Literal

from algorithms.base import UserError
from algorithms.specs import Grading, Rewards

Grade = Literal["correct", "incorrect", "invalid"]
FinishReason = Literal["stop", "length"]

GRADES: tuple[Grade, ...] = ("correct", "incorrect", "invalid")

_INTEGER = re.compile(r"([+-]?)([0-9]+)")


def grade(completion: str, answer: str, *, finish_reason: FinishReason, grading: Grading) -> Grade:
    """Return what a completion is worth.

    A completion that was cut off is invalid whatever it says: without its end it is not known
    what the whole answer would have been. `integer` compares digits, never numbers, so that an
    answer of a million digits costs no more than reading it; only ASCII digits count, leading
    zeros and a plus sign do not, and -0 equals 0.

    Raises:
        UserError: `integer` is asked for, but the reference answer is not an integer.
    """
    if grading.grader == "integer":
        expected = _integer(answer)
        if expected is None:
            raise UserError(
                f"The reference answer {answer[:60]!r} is not an integer, so the integer grader "
                "cannot judge this dataset. Choose the exact grader."
            )
        given = _integer(completion)
    else:
        expected, given = answer.strip(), completion.strip() or None
    if given is None or finish_reason == "length":
        return "invalid"
    return "correct" if given == expected else "incorrect"


def reward(given: Grade, rewards: Rewards) -> float:
    """Return the number that a grade is worth."""
    match given:
        case "correct":
            return rewards.correct
        case "incorrect":
            return rewards.incorrect
        case "invalid":
            return rewards.invalid


def _integer(text: str) -> str | None:
    match = _INTEGER.fullmatch(text.strip())
    if match is None:
        return None
    sign, written = match.groups()
    digits = written.lstrip("0") or "0"
    return f"-{digits}" if sign == "-" and digits != "0" else digits
