"""Numbers and times as people read them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.components import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7.123, "7.12"),
        (999.4, "999"),
        (999.9, "1k"),
        (12_345, "12.3k"),
        (4.56e6, "4.56M"),
    ],
)
def test_si_keeps_three_digits(value: float, text: str) -> None:
    assert formats.si(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (45, "45 s"), (60, "1 min"), (141, "2 min 21 s"), (4321, "1 h 12 min")],
)
def test_a_duration_names_its_two_largest_units(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB")])
def test_sizes_are_binary(value: float, text: str) -> None:
    assert formats.size(value) == text


@pytest.mark.parametrize("nothing", [None, "", float("nan"), float("inf")])
def test_what_is_not_there_is_a_dash_and_never_zero(nothing: object) -> None:
    for show in (
        formats.count,
        formats.si,
        formats.percent,
        formats.significant,
        formats.duration,
        formats.size,
    ):
        assert show(nothing) == formats.NOTHING


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(seconds=1), "just now"),
        (timedelta(minutes=7, seconds=30), "7 min ago"),
        (timedelta(days=3), "3 d ago"),
        (-timedelta(hours=2, minutes=5), "in 2 h"),
    ],
)
def test_moments_are_told_relative_to_now(past: timedelta, text: str) -> None:
    assert formats.ago(timezone.now() - past) == text
