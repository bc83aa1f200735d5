"""How the figures of an artifact's summary are written: by the unit that their name ends in."""

from collections.abc import Callable

from django import template

from webapp.components import formats

register = template.Library()

FORMATS: tuple[tuple[tuple[str, ...], Callable[[float], str]], ...] = (
    (("_accuracy", "_share", "pass_at_1"), formats.percent),
    (("_bytes",), formats.size),
    (("_per_s",), lambda value: f"{formats.si(value)} per s"),
    (("seconds", "_s"), formats.duration),
)
"""How a figure is written, by the ending of its name; the first that fits."""


@register.filter
def words(name: str) -> str:
    """Return a name in words: `tokens_per_s` is "tokens per s"."""
    return name.replace("_", " ")


@register.filter
def figure_of(value: float | str, name: str) -> str:
    """Return a figure with the unit that its name ends in."""
    if isinstance(value, str):
        return value
    plain = formats.count if isinstance(value, int) else formats.significant
    write = next((write for endings, write in FORMATS if name.endswith(endings)), plain)
    return write(value)
