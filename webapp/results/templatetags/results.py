"""Filters that only the pages of results need."""

from django import template

from webapp.results.comparison import value_of
from webapp.results.rows import RunRow

register = template.Library()


@register.filter
def figure_of(run: RunRow, outcome: str) -> float | None:
    """Return a figure of the run's final evaluation, None while there is none."""
    return value_of(run, outcome)
