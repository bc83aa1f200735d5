"""Whether axes fit what they vary: values as their fields' types, problems in words; pure."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from algorithms.base import Schema
from webapp.experiments.axes import (
    SOURCES,
    AxisValue,
    UnknownFieldError,
    replaced,
    whole,
    with_values,
)

CHOOSERS = {"params": "algorithms", "correction": "corrections"}
"""Whose own settings the sections are that compared groups choose for themselves."""
MAX_AXES = 6
MAX_CELLS = 2000
"""Combinations of axis values of one algorithm; more could not be launched."""
Chosen = tuple[type[Schema], Mapping[str, Any]]
"""A schema and complete values of it."""


@dataclass(frozen=True)
class Base:
    """The settings that axis values are put into."""

    sections: Mapping[str, Schema]
    choices: Mapping[str, Sequence[Chosen]]
    """What each compared group chooses for itself, by section: `params` of the algorithms."""
    sources: tuple[str, ...] = SOURCES


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the axes, at a path below `axes`."""

    loc: tuple[int | str, ...]
    message: str
    value: object


def check(
    axes: Mapping[str, Sequence[AxisValue]], base: Base
) -> tuple[dict[str, tuple[AxisValue, ...]], list[Problem]]:
    """Return the axes with values as their fields' types, and everything wrong with them."""
    if len(axes) > MAX_AXES:
        message = f"At most {MAX_AXES} axes fit into one experiment."
        return {}, [Problem(loc=(), message=message, value=len(axes))]
    checked: dict[str, tuple[AxisValue, ...]] = {}
    problems: list[Problem] = []
    for path, values in axes.items():
        typed, found = _check_axis(path, values, base)
        checked[path] = tuple(typed)
        problems += found
    return checked, problems or _check_together(checked, base)


def _check_axis(
    path: str, values: Sequence[AxisValue], base: Base
) -> tuple[list[AxisValue], list[Problem]]:
    if not values:
        return [], [Problem(loc=(path,), message="Give at least one value.", value=values)]
    typed: list[AxisValue] = []
    problems: list[Problem] = []
    for number, value in enumerate(values):
        try:
            converted = _typed(path, value, base)
        except UnknownFieldError:
            return [], [Problem(loc=(path,), message=_no_such_field(path, base), value=path)]
        except ValidationError as error:
            message = _reason(error)
            problems.append(Problem(loc=(path, number), message=message, value=value))
            continue
        if converted in typed:
            message = "This value is given twice."
            problems.append(Problem(loc=(path, number), message=message, value=value))
        typed.append(converted)
    return typed, problems


def _typed(path: str, value: AxisValue, base: Base) -> AxisValue:
    """Return the value as its field's type.

    Raises:
        UnknownFieldError: no compared algorithm and no section has the field.
        ValidationError: the field does not take the value.
    """
    if path in base.sources:
        return TypeAdapter(int).validate_python(value)
    section, _, rest = path.partition(".")
    keys = rest.split(".")
    targets = _targets(section, keys[0], base)
    if not targets:
        raise UnknownFieldError(path)
    converted = value
    for schema, data in targets:
        converted = _validated(schema, replaced(data, keys, value), keys)
    return converted


def _targets(section: str, field: str, base: Base) -> list[tuple[type[Schema], Mapping[str, Any]]]:
    if section in base.choices:
        chosen = base.choices[section]
        return [(schema, values) for schema, values in chosen if field in schema.model_fields]
    if section in base.sections:
        return [(type(base.sections[section]), whole(base.sections[section]))]
    return []


def _validated(schema: type[Schema], data: Mapping[str, Any], keys: Sequence[str]) -> AxisValue:
    try:
        result: Any = whole(schema.model_validate(data))
    except ValidationError as error:
        if any(item["loc"] == tuple(keys) for item in error.errors()):
            raise
        # Rules between fields are checked once every axis has its value.
        result = data
    for key in keys:
        result = result[key]
    return result  # type: ignore[no-any-return]  # a leaf of JSON


def _no_such_field(path: str, base: Base) -> str:
    section = path.partition(".")[0]
    if section in base.choices:
        who = CHOOSERS[section]
        known = {field for schema, _ in base.choices[section] for field in schema.model_fields}
        if not known:
            return f"None of the chosen {who} has hyperparameters of its own."
        return f"None of the chosen {who} has {path}. Known: {_list(section, known)}."
    if section in base.sections:
        known = set(type(base.sections[section]).model_fields)
        if not known:
            return f"The chosen {section} has no settings of its own."
        return f"There is no {path}. Known: {_list(section, known)}."
    known_sections = [f"{name}.…" for name in (*base.sections, *base.choices)]
    return f"An axis starts with one of {', '.join([*base.sources, *known_sections])}."


def _reason(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")


def _list(section: str, fields: set[str]) -> str:
    return ", ".join(f"{section}.{field}" for field in sorted(fields))


def _check_together(axes: Mapping[str, tuple[AxisValue, ...]], base: Base) -> list[Problem]:
    """Report combinations that break a rule between fields of one section."""
    for section in base.sections:
        own = {p.partition(".")[2]: v for p, v in axes.items() if p.partition(".")[0] == section}
        if math.prod(map(len, own.values())) > MAX_CELLS:
            continue  # refused as too large by the config
        for values in itertools.product(*own.values()):
            chosen = dict(zip(own, values, strict=True))
            try:
                with_values(base.sections[section], chosen)
            except ValidationError as error:
                text = ", ".join(f"{name} = {value}" for name, value in chosen.items())
                message = f"{text}: {_reason(error)}."
                return [Problem(loc=(f"{section}.{next(iter(own))}",), message=message, value=text)]
    return []
