"""The process that compares answers symbolically: one question a line, one reply a line.

Run by `pool`. It imports neither torch nor anything of ours that does, so that it starts in a
second and its memory limit is about the comparison alone. The time limit is in processor time, so
that a busy machine changes no grade; the kernel ends the process when it is spent, whether a
parent is still there or not.
"""

import json
import logging
import resource
import signal
import sys
from typing import Any

import sympy
from math_verify import LatexExtractionConfig, parse, verify

READY = "ready"
_CANONICAL = 200
_LATEX = (LatexExtractionConfig(boxed_match_priority=0),)


def main() -> None:
    """Answer questions until the input ends.

    Arguments: the memory limit in bytes and the time limit of a question in processor seconds.
    """
    memory_bytes, time_limit_s = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    logging.disable(logging.CRITICAL)  # math-verify warns of every text that it cannot read
    answer("2x", "x+x", 0.0)  # loads the grammar, so that the first question pays nothing for it
    _say(READY)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, time_limit_s)
        given, expected, tolerance = json.loads(line)
        _say(json.dumps(answer(given, expected, tolerance)))
        signal.setitimer(signal.ITIMER_PROF, 0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def answer(given: str, expected: str, tolerance: float) -> list[Any]:
    """Return [whether it is the same, the given answer in canonical form].

    [None, None] where the comparison went beyond what the interpreter bears.
    """
    try:
        read, wanted = _parsed(given), _parsed(expected)
        same = bool(verify(wanted, read, timeout_seconds=None)) or _close(read, wanted, tolerance)
        return [same, _canonical(read, given)]
    except (RecursionError, MemoryError, OverflowError):
        return [None, None]


def _parsed(text: str) -> list[Any]:
    found: list[Any] = parse(
        f"\\boxed{{{text}}}", extraction_config=_LATEX, parsing_timeout=None, raise_on_error=False
    )
    return found


def _close(read: list[Any], wanted: list[Any], tolerance: float) -> bool:
    """Whether both are real numbers within the tolerance, and not both whole."""
    numbers = [_number(found) for found in (read, wanted)]
    if numbers[0] is None or numbers[1] is None:
        return False
    if all(found[0].is_integer for found in (read, wanted)):
        return False
    return bool(abs(numbers[0] - numbers[1]) <= tolerance * abs(numbers[1]))


def _number(found: list[Any]) -> float | None:
    if not found or not isinstance(found[0], sympy.Expr) or not found[0].is_number:
        return None
    try:
        return float(found[0].evalf(15))
    except (TypeError, ValueError):  # complex, or undefined
        return None


def _canonical(found: list[Any], text: str) -> str:
    expression = found[0] if found and isinstance(found[0], sympy.Basic) else text
    written = str(expression)
    return written if len(written) <= _CANONICAL else text[:_CANONICAL]


if __name__ == "__main__":
    main()
