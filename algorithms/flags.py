"""Command-line flags of a Schema: name, help, choices and default come from its fields."""

import argparse
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from algorithms.base import Schema, UserError

S = TypeVar("S", bound=Schema)

EMPTY = "none"
"""What to type for a value that may be left empty."""


def add_flags(parser: argparse.ArgumentParser, schema: type[Schema], title: str, key: str) -> None:
    """Add a group with a flag per field; `read_flags` with the same key reads it.

    Raises:
        argparse.ArgumentError: another group has a flag of that name.
    """
    if not schema.model_fields:
        return
    group = parser.add_argument_group(title, (schema.__doc__ or "").splitlines()[0])
    for name, field in schema.model_fields.items():
        group.add_argument(
            _flag(name),
            dest=f"{key}.{name}",
            default=argparse.SUPPRESS,
            choices=_choices(field),
            metavar=_metavar(field),
            help=_help(field),
        )


def read_flags(
    arguments: argparse.Namespace, schema: type[S], key: str, preset: Mapping[str, object]
) -> S:
    """Return the schema with what was typed, over the preset, over its defaults.

    Raises:
        UserError: a value is outside its range; every fault on a line of its own, with its flag.
    """
    typed = dict(_typed(arguments, schema, key))
    try:
        return schema.model_validate({**preset, **typed})
    except ValidationError as error:
        lines = [_sentence(fault["loc"], fault["msg"]) for fault in error.errors()]
        raise UserError("\n".join(lines)) from error


def write_flags(values: Schema) -> list[str]:
    """Return the arguments that give these values when parsed again."""
    dumped = values.model_dump(mode="json")
    return [f"{_flag(name)}={_text(value)}" for name, value in dumped.items()]


def _typed(
    arguments: argparse.Namespace, schema: type[Schema], key: str
) -> Iterator[tuple[str, str | None]]:
    for name, field in schema.model_fields.items():
        value = getattr(arguments, f"{key}.{name}", argparse.SUPPRESS)
        if value is not argparse.SUPPRESS:
            yield name, None if value == EMPTY and _may_be_empty(field) else value


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _text(value: object) -> str:
    if value is None:
        return EMPTY
    return str(value).lower() if isinstance(value, bool) else str(value)


def _types(field: FieldInfo) -> tuple[Any, ...]:
    """Return the alternatives of `A | B`, or the one type."""
    if get_origin(field.annotation) is Literal:
        return (field.annotation,)
    return get_args(field.annotation) or (field.annotation,)


def _may_be_empty(field: FieldInfo) -> bool:
    return NoneType in _types(field)


def _choices(field: FieldInfo) -> list[str] | None:
    if get_origin(field.annotation) is Literal:
        return [str(choice) for choice in get_args(field.annotation)]
    return None


def _metavar(field: FieldInfo) -> str | None:
    if _choices(field):
        return None
    names = {bool: "true|false", int: "INTEGER", float: "NUMBER", NoneType: EMPTY}
    return "|".join(names.get(kind, "TEXT") for kind in _types(field))


def _help(field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    # argparse reads % as the start of a placeholder.
    return f"{text} Default: {_text(field.default)}.".replace("%", "%%")


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{_flag(str(location[0]))}: {message}" if location else message
