"""Numbers and times as text for people: units, thousands, no more digits than mean something."""

import math
from datetime import datetime
from typing import Any

from django.utils import timezone

NOTHING = "–"

_DURATIONS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def _missing(value: object) -> bool:
    """Whether a template found nothing there (it then hands over an empty text)."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def count(value: Any) -> str:
    """Return 12,345; a dash for nothing."""
    return NOTHING if _missing(value) else f"{value:,.0f}"


def si(value: Any) -> str:
    """Return three significant digits with an SI prefix: 12.3k, 4.56M."""
    if _missing(value):
        return NOTHING
    for size, prefix in _PREFIXES:
        if abs(value) >= size * 0.9995:
            return f"{_three(value / size)}{prefix}"
    return _three(value)


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def significant(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits; very small and large ones as 1.2e-05."""
    if _missing(value):
        return NOTHING
    return f"{value:.{digits}g}"


def percent(value: Any, digits: int = 1) -> str:
    """Return a share (0 to 1) as 12.3 %."""
    if _missing(value):
        return NOTHING
    return f"{100 * value:.{digits}f} %"


def size(value: Any) -> str:
    """Return bytes as 12.3 MiB."""
    if _missing(value):
        return NOTHING
    for unit, factor in _BINARY:
        if abs(value) >= factor:
            return f"{_three(value / factor)} {unit}"
    return f"{value:.0f} B"


def duration(seconds: Any) -> str:
    """Return seconds as 3 h 20 min, 45 s or 0.4 s: the two largest units."""
    if _missing(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, smaller, smaller_name in _DURATIONS:
        if whole >= unit:
            rest = whole % unit // smaller
            return (
                f"{whole // unit} {name} {rest} {smaller_name}"
                if rest
                else f"{whole // unit} {name}"
            )
    return f"{whole} s"


def ago(at: datetime) -> str:
    """Return how long ago a moment was: just now, 5 min ago, in 3 h; a date after two months."""
    seconds = (timezone.now() - at).total_seconds()
    amount = abs(seconds)
    if amount < 5:
        return "just now"
    for below, unit, name in (
        (60, 1, "s"),
        (3_600, 60, "min"),
        (86_400, 3_600, "h"),
        (5_184_000, 86_400, "d"),
    ):
        if amount < below:
            text = f"{amount // unit:.0f} {name}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return f"{at:%Y-%m-%d}"
