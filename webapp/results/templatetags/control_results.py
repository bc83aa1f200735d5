"""Filters that only the results of experiments in control need."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(values: Mapping[str, Any], name: str) -> Any:
    """Return a value by its name, None where there is none."""
    return values.get(name)


@register.filter
def brief(value: float | None) -> str:
    """Return a figure with two decimals, fewer where it is large, more where it is small."""
    if value is None:
        return "–"
    return f"{value:,.{_decimals(value)}f}"


@register.filter
def signed(value: float) -> str:
    """Return a difference, as `brief`, with its sign."""
    return f"{value:+,.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    size = abs(value)
    if size >= 1000:
        return 0
    if size >= 100:
        return 1
    return 2 if size >= 0.1 or size == 0 else 3
