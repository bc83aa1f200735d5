"""What a grader is; no grader runs code of a completion."""

from collections.abc import Callable
from dataclasses import dataclass

from algorithms.asking import Grading


@dataclass(frozen=True)
class Grader:
    """Reads the answer of a completion and compares it with the reference answer.

    All three functions take time proportional to their texts at most: what may cost more is left
    to the pool.
    """

    read: Callable[[str, Grading], str | None]
    """Return the answer of a completion; None where it gives none. Equal answers read equal."""
    expect: Callable[[str, Grading], str]
    """Return a reference answer as `read` would; raises UserError where it is not one."""
    same: Callable[[str, str, Grading], bool | None]
    """Whether an answer equals the expected one; None asks the symbolic comparison of the pool."""


def equal(given: str, expected: str, _grading: Grading) -> bool:
    """Whether two answers are the same text."""
    return given == expected
