r"""Mathematical answers in LaTeX: announced, in a \boxed{}, or the last number.

DeepSeekMath's order of reading, which TOPR used: "final answer is $...$. I hope", then \boxed{},
then "he answer is", then the last number. Compared as text without what only typesets, then as
numbers, and last symbolically by math-verify in a process that can be killed.
"""

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.graders.base import Grader
from algorithms.data.graders.boxed import last_boxed
from algorithms.data.graders.formats import within_answer
from algorithms.data.graders.normal import normal
from algorithms.data.graders.numbers import close, last_number, value

MAX_CHARACTERS = 1000
"""A longer answer is none."""
_ANNOUNCED, _HOPE, _SAID = "inal answer is $", "$. I hope", "he answer is"


def read(completion: str, grading: Grading) -> str | None:
    """Return the answer without what only typesets it; None where there is none."""
    text = within_answer(completion)
    if grading.math_reads == "boxed":
        found = last_boxed(text)
    else:
        found = _announced(text) or last_boxed(text) or _said(text)
        if found is None and text is not completion:
            found = text.strip()
        found = found or last_number(text)
    return _bounded(found)


def expect(answer: str, _grading: Grading) -> str:
    r"""Return a reference answer: what its \boxed{} holds, or all of it.

    Raises:
        UserError: it is empty or no answer.
    """
    expected = _bounded(last_boxed(answer) or answer.strip())
    if expected is None:
        raise UserError(
            f"The reference answer {answer[:60]!r} is empty or too long, so the math grader "
            "cannot judge this row. Leave it out of the dataset."
        )
    return expected


def same(given: str, expected: str, grading: Grading) -> bool | None:
    """Whether two answers are one text or one number; None where neither can be told."""
    if given == expected:
        return True
    numbers = value(given), value(expected)
    if numbers[0] is None or numbers[1] is None:
        return None
    return close(numbers[0], numbers[1], grading.tolerance)


def _bounded(found: str | None) -> str | None:
    if found is None or len(found) > MAX_CHARACTERS or "\0" in found:
        return None
    return normal(found) or None


def _announced(text: str) -> str | None:
    start = text.find(_ANNOUNCED)
    if start < 0:
        return None
    start += len(_ANNOUNCED)
    end = text.find(_HOPE, start)
    return text[start:end].strip() or None if end >= 0 else None


def _said(text: str) -> str | None:
    """Return what the last "the answer is" announces, on its line."""
    _, said, rest = text.rpartition(_SAID)
    if not said:
        return None
    line = rest.lstrip(" :\n").partition("\n")[0].strip()
    if line.count("$") >= 2:
        line = line.split("$")[1]
    return line.partition(". ")[0].rstrip(".") or None


GRADER = Grader(read, expect, same)
