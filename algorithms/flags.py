"""Command-line flags of a Schema: name, help, choices and default come from its fields."""

import argparse
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from algorithms.base import Schema, UserError
from algorithms.texts import lines_of

S = TypeVar("S", bound=Schema)

EMPTY = "none"
"""What to type for a value that may be left empty."""


@dataclass(frozen=True)
class Flags(Generic[S]):
    """The flags of one schema: adds them to a parser, and reads what was typed."""

    schema: type[S]
    title: str
    key: str
    """Keeps fields of the same name apart: part of where argparse stores them."""
    qualified: Collection[str] = ()
    """Names that another group has taken; here their flag begins with the key."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add one group with a flag per field."""
        if not self._fields:
            return
        summary = (self.schema.__doc__ or "").split("\n", maxsplit=1)[0]
        group = parser.add_argument_group(self.title, summary)
        for name, field in self._fields.items():
            group.add_argument(
                self._flag(name),
                dest=f"{self.key}.{name}",
                default=argparse.SUPPRESS,
                choices=_choices(field),
                metavar=_metavar(field),
                help=_help(field),
            )

    def read(self, arguments: argparse.Namespace, preset: Mapping[str, object]) -> S:
        """Return the schema with what was typed, over the preset, over its defaults.

        Raises:
            UserError: values are outside their ranges; each on a line of its own, with its flag.
        """
        try:
            return self.schema.model_validate({**preset, **dict(self._typed(arguments))})
        except ValidationError as error:
            lines = [self._sentence(fault["loc"], fault["msg"]) for fault in error.errors()]
            raise UserError("\n".join(lines)) from error

    def write(self, values: S) -> list[str]:
        """Return the arguments that give these values when they are read again."""
        dumped = values.model_dump(mode="json")
        return [f"{self._flag(name)}={_text(dumped[name])}" for name in self._fields]

    @property
    def _fields(self) -> dict[str, FieldInfo]:
        """The fields, without nested schemas: those have flags of their own."""
        fields = self.schema.model_fields.items()
        return {name: field for name, field in fields if not _is_schema(field.annotation)}

    def _typed(self, arguments: argparse.Namespace) -> Iterator[tuple[str, str | None]]:
        for name, field in self._fields.items():
            value = getattr(arguments, f"{self.key}.{name}", argparse.SUPPRESS)
            if value is not argparse.SUPPRESS:
                yield name, None if value == EMPTY and _may_be_empty(field) else value

    def _flag(self, name: str) -> str:
        qualified = f"{self.key}_{name}" if name in self.qualified else name
        return "--" + qualified.replace("_", "-")

    def _sentence(self, location: tuple[int | str, ...], message: str) -> str:
        message = message.removeprefix("Value error, ")
        return f"{self._flag(str(location[0]))}: {message}" if location else message


def _is_schema(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Schema)


def _text(value: object) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, list | tuple):
        return lines_of(value)
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
