"""The checker of types and tensor shapes that jaxtyping applies to `algorithms` in test runs.

beartype, where an int may stand for a float, as for mypy. A hint that it cannot read when running
(typing.Self, a Protocol without methods to look for) is left out; the function's others are kept.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintException

F = TypeVar("F", bound=Callable[..., Any])

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: F) -> F:
    """Return the function with its arguments and result checked at every call."""
    try:
        return _beartype(function)
    except BeartypeDecorHintException:
        hints = function.__annotations__
        function.__annotations__ = {name: hint for name, hint in hints.items() if _readable(hint)}
        return _beartype(function)


def _readable(hint: object) -> bool:
    def probe(value: object) -> None: ...

    probe.__annotations__ = {"value": hint}
    try:
        _beartype(probe)
    except BeartypeDecorHintException:
        return False
    return True
