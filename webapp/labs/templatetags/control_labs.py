"""Where what a control lab needs can be made."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django import template
from django.urls import NoReverseMatch, reverse

register = template.Library()

MOST_SHOWN = 8
"""Numbers of a vector that a table shows."""


@register.filter
def vector(values: Sequence[float]) -> str:
    """Return the numbers of a vector as text, the first eight of a long one."""
    shown = ", ".join(f"{float(value):.4g}".replace("-", "−") for value in values[:MOST_SHOWN])
    return shown if len(values) <= MOST_SHOWN else f"{shown} … ({len(values)})"


@dataclass(frozen=True)
class FirstStep:
    """A form that makes something a lab needs."""

    label: str
    url: str


@register.simple_tag
def first_steps() -> list[FirstStep]:
    """Return the forms that lead to a full lab, the last one first; those that exist here."""
    found = [FirstStep("New control experiment", f"{reverse('experiments:new')}?recipe=control")]
    with suppress(NoReverseMatch):  # an installation without that page
        found.append(FirstStep("Collect a data set", reverse("datasets:collect")))
    return found
