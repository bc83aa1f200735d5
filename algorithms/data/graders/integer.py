"""The whole completion is one integer; only ASCII digits count, leading zeros do not."""

import re

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.graders.base import Grader, equal

_INTEGER = re.compile(r"([+-]?)([0-9]+)")


def read(completion: str, _grading: Grading) -> str | None:
    """Return the integer that a completion is, without leading zeros; -0 is 0."""
    match = _INTEGER.fullmatch(completion.strip())
    if match is None:
        return None
    sign, written = match.groups()
    digits = written.lstrip("0") or "0"
    return f"-{digits}" if sign == "-" and digits != "0" else digits


def expect(answer: str, grading: Grading) -> str:
    """Return the reference answer as an integer.

    Raises:
        UserError: it is none.
    """
    expected = read(answer, grading)
    if expected is None:
        raise UserError(
            f"The reference answer {answer[:60]!r} is not an integer, so the integer grader "
            "cannot judge this dataset. Choose the exact grader, or another that reads it."
        )
    return expected


GRADER = Grader(read, expect, equal)
