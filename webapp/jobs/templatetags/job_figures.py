"""How the figures of an artifact's summary are written: by the unit that their name ends in."""

from django import template

from webapp.components import formats

register = template.Library()

SHARES = ("_accuracy", "_share", "pass_at_1")
PER_SECOND = "_per_s"


@register.filter
def words(name: str) -> str:
    """Return a name in words: `tokens_per_s` is "tokens per s"."""
    return name.replace("_", " ")


@register.filter
def figure_of(value: float | int | str, name: str) -> str:
    """Return a figure with the unit that its name ends in."""
    if isinstance(value, str):
        return value
    if name.endswith(SHARES):
        return formats.percent(value)
    if name.endswith("_bytes"):
        return formats.size(value)
    if name.endswith(PER_SECOND):
        return f"{formats.si(value)} per s"
    if name.endswith(("seconds", "_s")):
        return formats.duration(value)
    if isinstance(value, int):
        return formats.count(value)
    return formats.significant(value)
