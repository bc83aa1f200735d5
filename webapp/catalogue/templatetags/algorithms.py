"""Tags that show an algorithm: a badge in its own colour and marker."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from algorithms.catalogue import ALGORITHMS
from webapp.catalogue.models import Preset
from webapp.results.figures import palette
from webapp.schema_forms import differences

register = template.Library()

MARKS = {
    "circle": '<circle cx="6" cy="6" r="4.2"/>',
    "square": '<rect x="2" y="2" width="8" height="8"/>',
    "diamond": '<path d="M6 1 11 6 6 11 1 6z"/>',
    "triangle-up": '<path d="M6 1.6 11 10.4H1z"/>',
    "triangle-down": '<path d="M6 10.4 1 1.6h10z"/>',
    "cross": '<path d="M4.4 1.5h3.2v2.9h2.9v3.2H7.6v2.9H4.4V7.6H1.5V4.4h2.9z"/>',
    "x": '<path d="m3.2 1.2 2.8 2.8 2.8-2.8 2 2L8 6l2.8 2.8-2 2L6 8l-2.8 2.8-2-2L4 6 1.2 3.2z"/>',
    "star": '<path d="m6 .8 1.5 3.5 3.8.3-2.9 2.5.9 3.7L6 8.8l-3.3 2 .9-3.7L.7 4.6l3.8-.3z"/>',
}
"""Outlines of the palette's Plotly markers in a square of 12."""


@register.simple_tag
def algorithm_mark(name: str, variant: int = 0) -> SafeString:
    """Return the marker of an algorithm in its colour; "" is the base policy. Decoration only."""
    look = palette.style(name, variant)
    shape = look.marker.removesuffix("-open")
    return format_html(
        '<svg class="algorithm-mark{}" style="--light:{};--dark:{}" viewBox="0 0 12 12"'
        ' aria-hidden="true">{}</svg>',
        " is-open" if shape != look.marker else "",
        look.colour_light,
        look.colour_dark,
        mark_safe(MARKS[shape]),  # noqa: S308 - a constant above
    )


@register.simple_tag
def algorithm_badge(name: str, label: str = "", variant: int = 0) -> SafeString:
    """Return an algorithm's marker and label; without a label, its file name."""
    mark = algorithm_mark(name, variant)
    return format_html('<span class="algorithm-badge">{}{}</span>', mark, label or name or "base")


@register.simple_tag
def preset_changes(preset: Preset) -> list[tuple[str, str]]:
    """Return (label, value) of every setting of a preset that is not its algorithm's default."""
    known = ALGORITHMS.get(preset.algorithm)
    return differences(known.params, preset.params) if known else []
