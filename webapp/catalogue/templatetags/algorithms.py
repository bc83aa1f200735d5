"""Tags that show an algorithm: a badge in its own colour and marker."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from webapp.catalogue.known import KNOWN
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
    "hexagon2": '<path d="M11.2 6 8.6 10.5 3.4 10.5 .8 6 3.4 1.5 8.6 1.5z"/>',
    "star-diamond": '<path d="M6 .4 8 4l3.6 2L8 8l-2 3.6L4 8 .4 6 4 4z"/>',
    "diamond-wide": '<path d="M6 2.6 11.4 6 6 9.4.6 6z"/>',
    "diamond-tall": '<path d="M6 .6 9.4 6 6 11.4 2.6 6z"/>',
    "pentagon": '<path d="M6 .8 10.9 4.4 9.1 10.2 2.9 10.2 1.1 4.4z"/>',
    "octagon": '<path d="M4 1h4l3 3v4L8 11H4L1 8V4z"/>',
    "triangle-left": '<path d="M1.6 6 10.4 1v10z"/>',
    "triangle-right": '<path d="M10.4 6 1.6 1v10z"/>',
    "star-triangle-up": '<path d="M6 0 7.7 5 11.2 9 6 8 0.8 9 4.3 5z"/>',
    "star-triangle-down": '<path d="M6 12 4.3 7 0.8 3 6 4 11.2 3 7.7 7z"/>',
    "hourglass": '<path d="M1.8 1.2h8.4L7.2 6l3 4.8H1.8l3-4.8z"/>',
    "star-square": '<path d="M10.2 1.8 8.4 6 10.2 10.2 6 8.4 1.8 10.2 3.6 6 1.8 1.8 6 3.6z"/>',
    "bowtie": '<path d="M1.2 1.8v8.4L6 7.2l4.8 3V1.8L6 4.8z"/>',
    "hexagram": '<path d="m6 .5 2 2.7h3L9 6l2 2.8H8l-2 2.7-2-2.7H1L3 6 1 3.2h3z"/>',
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
    known = KNOWN.get(preset.algorithm)
    return differences(known.params, preset.params) if known else []
