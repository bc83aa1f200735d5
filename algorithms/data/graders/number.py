"""The first number after a marker; without the marker there is no answer (TOPR's GSM8K).

The first marker counts: what a base model goes on to write after its answer, such as the next
question and its answer, changes nothing. Numbers are compared exactly.
"""

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.graders.base import Grader, equal
from algorithms.data.graders.marked import after_first
from algorithms.data.graders.numbers import first_number

GOLD_MARKER = "####"
"""Before the final answer of GSM8K's reference solutions."""


def read(completion: str, grading: Grading) -> str | None:
    """Return the number after the marker of the settings."""
    return _after(completion, grading.marker)


def read_hash(completion: str, _grading: Grading) -> str | None:
    """Return the number after the first ####."""
    return _after(completion, GOLD_MARKER)


def expect(answer: str, _grading: Grading) -> str:
    """Return the number of a reference answer: after #### where it holds one.

    Raises:
        UserError: it holds no number.
    """
    _, marked, final = answer.rpartition(GOLD_MARKER)
    expected = first_number(final if marked else answer)
    if expected is None:
        raise UserError(
            f"The reference answer {answer[:60]!r} holds no number, so the number graders cannot "
            "judge this dataset. Choose the math, the choice or the exact grader."
        )
    return expected


def _after(completion: str, marker: str) -> str | None:
    rest = after_first(completion, marker)
    return first_number(rest) if rest is not None else None


GRADER = Grader(read, expect, equal)
HASH_GRADER = Grader(read_hash, expect, equal)
