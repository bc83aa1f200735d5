"""The checker that looks at every call into `algorithms` while tests run."""

from typing import Protocol, Self

import pytest
from beartype.roar import BeartypeCallHintViolation

from tests.shapes import check


class Unreadable(Protocol):
    """A protocol that isinstance cannot look for."""

    size: int


def test_a_wrong_argument_is_refused_and_an_int_may_stand_for_a_float() -> None:
    @check
    def half(value: float) -> float:
        return value / 2

    assert half(3) == 1.5
    with pytest.raises(BeartypeCallHintViolation):
        half("3")  # type: ignore[arg-type]


def test_a_hint_that_cannot_be_read_is_left_out_and_the_others_are_kept() -> None:
    @check
    def measure(thing: Unreadable, factor: int) -> int:
        return thing.size * factor

    class Box:
        size = 2

    assert measure(Box(), 3) == 6
    with pytest.raises(BeartypeCallHintViolation):
        measure(Box(), "3")  # type: ignore[arg-type]


def test_a_method_that_returns_self_can_be_checked() -> None:
    class Door:
        @check
        def enter(self, name: str) -> Self:
            assert name
            return self

    door = Door()
    assert door.enter("a") is door
    with pytest.raises(BeartypeCallHintViolation):
        door.enter(1)  # type: ignore[arg-type]
