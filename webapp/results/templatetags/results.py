"""Filters and tags that only the pages of results need."""

from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from webapp.results.comparison import value_of
from webapp.results.problems_page import Cell
from webapp.results.rows import RunRow

register = template.Library()


@register.filter
def figure_of(run: RunRow, outcome: str) -> float | None:
    """Return a figure of the run's final evaluation, None while there is none."""
    return value_of(run, outcome)


@register.simple_tag
def heat_cells(cells: Iterable[Cell]) -> SafeString:
    """Return the cells of one line of the heat table.

    Written here, not in the template: thousands of cells there took most of the page's time.
    """
    return mark_safe("".join(map(_heat_cell, cells)))  # noqa: S308 - the one text in it is escaped


def _heat_cell(cell: Cell) -> str:
    return (
        f'<td class="heat-cell"><a class="{cell.kind}" style="--level:{cell.level}" '
        f'href="{cell.url}" title="{escape(cell.title)}">{cell.text}</a></td>'
    )


@register.filter
def amount(value: float) -> str:
    """Return a count or a time as people write it: 56,900 and 15.4, never 5.69e+04."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
