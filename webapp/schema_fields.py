"""One field of a Schema as a Django form field: label, help, range, and text for its value."""

import types
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from django.utils.html import escape
from pydantic.fields import FieldInfo

from algorithms.asking import MULTILINE
from algorithms.base import Schema
from algorithms.texts import lines_of

LIMITS: Mapping[str, str] = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}
"""Which HTML attribute shows a pydantic limit."""


class NumberField(forms.FloatField):
    """A float shown the way it is written by hand: 3e-4, not 0.0003."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.NumberInput(attrs={"step": "any"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the text for the input; what a person typed stays as typed."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return number_text(value) if is_number else value


class MultilineField(forms.CharField):
    """A text of several lines; browsers send them with carriage returns, which are taken out."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class TextsField(MultilineField):
    """Several texts, one a line, as `algorithms.texts` writes them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.widget.attrs["rows"] = 2

    def prepare_value(self, value: Any) -> Any:
        """Return the lines of the texts; what a person typed stays as typed."""
        return lines_of(value) if isinstance(value, list | tuple) else value


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number: `0.05`, `3e-4`, `2e6`."""
    if isinstance(value, int):
        return str(value)
    exact = Decimal(repr(value)).normalize()
    if not exact.is_finite():
        return str(value)
    exponent = exact.adjusted()
    if exact == 0:
        return "0"
    if -3 <= exponent < 6:
        return format(exact, "f")
    return f"{exact.scaleb(-exponent).normalize():f}e{exponent}"


def label_of(name: str) -> str:
    """Return a field's name as words: `clip_norm` is "Clip norm", `timeout_s` "Timeout (s)"."""
    words = name.replace("__", " ").replace("_", " ")
    if words.endswith(" s"):
        words = f"{words[:-2]} (s)"
    return words[:1].upper() + words[1:]


def nested_schema(annotation: Any) -> type[Schema] | None:
    """Return the annotation if it is a Schema."""
    is_schema = isinstance(annotation, type) and issubclass(annotation, Schema)
    return annotation if is_schema else None


def limits_of(info: FieldInfo) -> dict[str, float]:
    """Return the declared limits of a number by pydantic's names: `{"gt": 0, "le": 1}`."""
    found: dict[str, float] = {}
    for rule in info.metadata:
        for name in LIMITS:
            limit = getattr(rule, name, None)
            if limit is not None:
                found[name] = limit
    return found


def range_text(info: FieldInfo) -> str:
    """Return the allowed range in words, such as "between 0 and 1"; empty without limits."""
    limits = {
        name: f"{limit:,}" if isinstance(limit, int) else number_text(limit)
        for name, limit in limits_of(info).items()
    }
    low = next((limits[name] for name in ("ge", "gt") if name in limits), "")
    high = next((limits[name] for name in ("le", "lt") if name in limits), "")
    if low and high:
        spare = [limits[name] for name in ("gt", "lt") if name in limits]
        without = f", without {' and '.join(spare)}" if spare else ""
        return f"between {low} and {high}{without}"
    if low:
        return f"at least {low}" if "ge" in limits else f"more than {low}"
    if high:
        return f"at most {high}" if "le" in limits else f"less than {high}"
    return ""


def form_field(name: str, info: FieldInfo, initial: Any) -> forms.Field:
    """Return the form field of one setting.

    Raises:
        TypeError: no form field can show its type.
    """
    kind, optional = _without_none(info.annotation)
    limits = range_text(info)
    about = [
        " ".join((info.description or "").split()),
        f"{limits.capitalize()}." if limits else "",
    ]
    common = {
        "label": info.title or label_of(name),
        "help_text": escape(" ".join(filter(None, about))),
        "initial": initial,
        "required": not optional,
    }
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), optional, common)
    if kind is bool:
        return _yes_or_no(optional, common)
    if kind is int or kind is float:
        number: forms.Field = forms.IntegerField(**common) if kind is int else NumberField(**common)
        number.range_text = range_text(info)  # type: ignore[attr-defined]  # shown after the help
        number.widget.attrs |= {
            LIMITS[limit]: number_text(value) for limit, value in limits_of(info).items()
        }
        return number
    if kind is str:
        return _text(info, optional, common)
    if get_origin(kind) is tuple and get_args(kind) == (str, ...):
        return TextsField(**common | {"required": False})
    raise TypeError(f"{name}: no form field can show {info.annotation}")


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Return the type without None, and whether None was allowed."""
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation, False
    members = [member for member in get_args(annotation) if member is not type(None)]
    return (members[0] if len(members) == 1 else annotation), len(members) < len(
        get_args(annotation)
    )


def _choice(values: tuple[Any, ...], optional: bool, common: dict[str, Any]) -> forms.Field:
    by_text = {str(value): value for value in values}
    blank = [("", "none")] if optional else []
    return forms.TypedChoiceField(
        choices=blank + [(text, text.replace("_", " ")) for text in by_text],
        coerce=by_text.__getitem__,
        empty_value=None,
        **common,
    )


def _yes_or_no(optional: bool, common: dict[str, Any]) -> forms.Field:
    if optional:
        return forms.NullBooleanField(**common)
    return forms.BooleanField(**common | {"required": False})


def _text(info: FieldInfo, optional: bool, common: dict[str, Any]) -> forms.Field:
    least = max((getattr(rule, "min_length", None) or 0 for rule in info.metadata), default=0)
    common |= {"required": not optional and least > 0}
    kind = MultilineField if (info.json_schema_extra or {}) == MULTILINE else forms.CharField
    return kind(strip=False, empty_value=None if optional else "", **common)
