"""Schema -> Django form, the only converter: fields, help, ranges and errors of any settings.

The form only turns text into values; what a value may be is decided by pydantic, so a page, the
API and a worker can never disagree about it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.forms.boundfield import BoundField
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from algorithms.base import Schema
from algorithms.texts import lines_of
from webapp.schema_fields import form_field, label_of, nested_schema, number_text, range_text

RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
SEPARATOR = "__"
"""Between the name of a nested schema and its field: `sampling__temperature`."""


@dataclass(frozen=True)
class Group:
    """Fields shown together: those of one nested schema, or (name empty) the form's own."""

    name: str
    title: str
    help: str
    fields: tuple[BoundField, ...]


class SchemaForm(forms.Form):
    """A form whose cleaned value is an instance of `schema`."""

    schema: ClassVar[type[Schema]]
    _value: Schema | None = None

    def clean(self) -> dict[str, Any]:
        """Validate by the schema; each error lands at its field, the others above the form."""
        cleaned = super().clean() or self.cleaned_data
        try:
            self._value = self.schema.model_validate(_nest(cleaned))
        except ValidationError as failure:
            for error in failure.errors():
                self._place(error)
        return cleaned

    def _place(self, error: ErrorDetails) -> None:
        name = SEPARATOR.join(str(part) for part in error["loc"])
        known = next((f for f in self.fields if name == f or name.startswith(f + SEPARATOR)), None)
        if known in self.errors:
            return
        if known is None and self.errors:
            return  # a rule about several fields means little while one of them cannot be read
        self.add_error(known, error_sentence(error, self.schema, known or ""))

    def cleaned_schema(self) -> Schema:
        """Return the validated settings.

        Raises:
            ValueError: the form is not valid.
        """
        if not self.is_valid() or self._value is None:
            raise ValueError("the form has errors; ask is_valid() first")
        return self._value

    @property
    def groups(self) -> Iterator[Group]:
        """Yield the form's own fields first, then those of each nested schema."""
        by_group: dict[str, list[BoundField]] = {"": []}
        for name in self.fields:
            group, separator, _ = name.rpartition(SEPARATOR)
            by_group.setdefault(group if separator else "", []).append(self[name])
        for name, bound in by_group.items():
            if bound:
                info = field_info(self.schema, name) if name else None
                help_text = (info.description or "") if info else ""
                yield Group(name, label_of(name) if name else "", help_text, tuple(bound))


def schema_form(
    schema: type[Schema],
    *,
    prefix: str = "",
    initial: Schema | Mapping[str, Any] | None = None,
    without: Collection[str] = (),
) -> type[SchemaForm]:
    """Return a form class for a schema; a field of a nested schema is named `outer__inner`.

    The prefix is put before every name in the page, so that several forms share one `<form>`;
    `initial` is shown instead of the defaults, and a mapping may leave fields out. Fields named in
    `without` are not asked for and keep their defaults.

    Raises:
        TypeError: a field is of a type that no form field can show, such as a mapping or a
            discriminated union (choose the member first and pass that).
    """
    given = initial.model_dump() if isinstance(initial, Schema) else dict(initial or {})
    attributes: dict[str, Any] = {
        name: field
        for name, field in _fields(schema, given, "")
        if name not in without and name.partition(SEPARATOR)[0] not in without
    }
    attributes |= {"schema": schema, "prefix": prefix or None}
    return type(f"{schema.__name__}Form", (SchemaForm,), attributes)


def _fields(
    schema: type[Schema], initial: Mapping[str, Any], path: str
) -> Iterator[tuple[str, forms.Field]]:
    for name, info in schema.model_fields.items():
        nested = nested_schema(info.annotation)
        value = initial.get(name, default_of(info))
        if nested:
            inner = value.model_dump() if isinstance(value, Schema) else value
            yield from _fields(nested, inner or {}, f"{path}{name}{SEPARATOR}")
        else:
            yield f"{path}{name}", form_field(name, info, value)


def form_values(
    schema: type[Schema], values: Schema | Mapping[str, Any], *, prefix: str = ""
) -> dict[str, str]:
    """Return what a browser would post to show these values; an unticked box leaves no trace."""
    given = values.model_dump() if isinstance(values, Schema) else dict(values)
    posted: dict[str, str] = {}
    for name, field in _fields(schema, given, ""):
        key = f"{prefix}-{name}" if prefix else name
        value = field.prepare_value(field.initial)
        if type(field) is forms.BooleanField:
            if value:
                posted[key] = "on"
        else:
            posted[key] = "" if value is None else str(value)
    return posted


def default_of(info: FieldInfo) -> Any:
    """Return a field's default; None where it has none."""
    value = info.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def field_info(schema: type[Schema], path: str) -> FieldInfo:
    """Return the declaration of a field by its form name, such as `sampling__temperature`.

    Raises:
        KeyError: the schema has no such field.
    """
    outer, separator, inner = path.partition(SEPARATOR)
    info = schema.model_fields[outer]
    if not separator:
        return info
    nested = nested_schema(info.annotation)
    if nested is None:
        raise KeyError(path)
    return field_info(nested, inner)


def differences(schema: type[Schema], values: Schema | Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, text) of every value that is not its field's default."""
    given = values.model_dump() if isinstance(values, Schema) else values
    found: list[tuple[str, str]] = []
    for name, info in schema.model_fields.items():
        default = default_of(info)
        nested = nested_schema(info.annotation)
        value = given.get(name, default)
        if nested:
            found += differences(nested, value)
        elif value != default:
            found.append((info.title or label_of(name), value_text(value)))
    return found


def value_text(value: Any) -> str:
    """Return a setting as a person would write it: `3e-4`, `yes`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(f"“{lines_of([text])}”" for text in value) or "none"
    return str(value)


def error_sentence(error: ErrorDetails, schema: type[Schema], path: str) -> str:
    """Return one of pydantic's errors as a sentence about labels, not about Python names.

    `path` is the form name of the field it belongs to; empty for a rule about several fields.
    """
    if error["type"] in RANGE_ERRORS and path:
        return f"Enter a number {range_text(field_info(schema, path))}."
    if error["type"] == "missing":
        return "This field is required."
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for name in sorted(_names(schema), key=len, reverse=True):
        if "_" in name:
            text = re.sub(rf"\b{name}\b", label_of(name).lower(), text)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _names(schema: type[Schema]) -> Iterator[str]:
    for name, info in schema.model_fields.items():
        yield name
        nested = nested_schema(info.annotation)
        if nested:
            yield from _names(nested)


def _nest(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat form values as the nested mapping that pydantic reads."""
    nested: dict[str, Any] = {}
    for path, value in cleaned.items():
        *outer, name = path.split(SEPARATOR)
        place = nested
        for part in outer:
            place = place.setdefault(part, {})
        place[name] = value
    return nested
