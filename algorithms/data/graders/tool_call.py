"""Tool calls: exactly one think pair, then exactly one tool_call pair that holds a JSON list.

Calls are right when they are the same multiset of (name, arguments) as the reference's. One pair
each, in that order, because a looser check was exploited by repeating tags (group-relative
REINFORCE, section 3).
"""

import json
import math
from typing import NoReturn

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.graders.base import Grader, equal
from algorithms.data.graders.formats import sections

MAX_CHARACTERS = 100_000


def read(completion: str, _grading: Grading) -> str | None:
    """Return the calls of a completion in canonical JSON; None where the form is not kept."""
    found = sections(completion, "think", "tool_call")
    return _canonical(found[1]) if found else None


def expect(answer: str, _grading: Grading) -> str:
    """Return the reference calls in canonical JSON.

    Raises:
        UserError: they are no list of objects with name and arguments.
    """
    expected = _canonical(answer)
    if expected is None:
        raise UserError(
            f"The reference answer {answer[:60]!r} is no JSON list of tool calls with `name` and "
            "`arguments`, so the tool call grader cannot judge this dataset."
        )
    return expected


def _canonical(text: str) -> str | None:
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        calls = json.loads(text, parse_constant=_refuse)
        if isinstance(calls, dict):
            calls = [calls]
        if not isinstance(calls, list) or not all(map(_is_call, calls)):
            return None
        rows = sorted(
            json.dumps([call["name"], _whole(call["arguments"])], sort_keys=True) for call in calls
        )
    except (ValueError, RecursionError):
        return None
    return "[" + ", ".join(rows) + "]"


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _is_call(call: object) -> bool:
    return (
        isinstance(call, dict)
        and call.keys() == {"name", "arguments"}
        and isinstance(call["name"], str)
        and isinstance(call["arguments"], dict)
    )


def _whole(value: object) -> object:
    """Return a JSON value with 2.0 as 2: JSON knows one kind of number."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


GRADER = Grader(read, expect, equal)
