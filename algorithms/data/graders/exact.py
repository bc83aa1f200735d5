"""The completion is the reference answer, but for white space at its ends."""

from algorithms.asking import Grading
from algorithms.data.graders.base import Grader, equal


def read(completion: str, _grading: Grading) -> str | None:
    """Return the trimmed text; None where nothing is left."""
    return completion.strip() or None


def expect(answer: str, _grading: Grading) -> str:
    """Return the trimmed reference answer."""
    return answer.strip()


GRADER = Grader(read, expect, equal)
