"""All graders, by the names that `Grading.grader` takes."""

from collections.abc import Mapping

from algorithms.data.graders import choice, exact, integer, latex, number, tool_call
from algorithms.data.graders.base import Grader

GRADERS: Mapping[str, Grader] = {
    "integer": integer.GRADER,
    "exact": exact.GRADER,
    "number": number.GRADER,
    "hash": number.HASH_GRADER,
    "math": latex.GRADER,
    "choice": choice.GRADER,
    "tool_call": tool_call.GRADER,
}
