"""The letter of a multiple-choice answer: after the marker, in a box, or all there is."""

import re

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.graders.base import Grader, equal
from algorithms.data.graders.boxed import last_boxed
from algorithms.data.graders.marked import after_first

_UPPER = re.compile(r"[\s:*$(\[{]*(?:\\text\{)?\(?([A-J])(?![A-Za-z0-9'])")
_LOWER = re.compile(r"[\s:*$]*\(([a-j])\)|[\s:*]*([a-j])[.)]?\s*$")
_ALONE = re.compile(r"\s*\(?([A-Ja-j])[.):]?\s*")
_START = 100


def read(completion: str, grading: Grading) -> str | None:
    """Return the letter A to J that a completion chooses."""
    alone = _ALONE.fullmatch(completion)
    if alone:
        return alone[1].upper()
    rest = after_first(completion, grading.marker)
    boxed = last_boxed(completion) if rest is None else None
    text = rest if boxed is None else boxed
    if text is None:
        return None
    line = text[:_START].lstrip().partition("\n")[0]
    found = _UPPER.match(line) or _LOWER.match(line)
    return next(letter for letter in found.groups() if letter).upper() if found else None


def expect(answer: str, _grading: Grading) -> str:
    """Return the letter of a reference answer, such as B or "B) 17".

    Raises:
        UserError: it does not begin with one.
    """
    found = re.match(r"\s*\(?([A-Ja-j])(?:[).:\s]|$)", answer)
    if found is None:
        raise UserError(
            f"The reference answer {answer[:60]!r} is no letter from A to J, so the choice grader "
            "cannot judge this dataset."
        )
    return found[1].upper()


GRADER = Grader(read, expect, equal)
