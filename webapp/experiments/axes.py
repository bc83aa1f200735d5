"""Axes of an experiment: fields that take several values, checked and multiplied out; pure."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS

S = TypeVar("S", bound=Schema)
AxisValue = bool | int | float | str | None

SECTIONS = ("prompt", "generate", "grading", "rewards", "settings", "evaluate")
"""Parts of a config whose fields may be axes, besides `params` and the sources."""
RECIPE = "recipe"
"""Section of the recipe's own settings, whose schema the recipe chooses."""
SOURCES = ("dataset_id", "policy_id")
MAX_AXES = 6
MAX_CELLS = 2000
"""Combinations of axis values of one algorithm; more could not be launched."""
CURATION = "curation"
"""Axis of the compared curations, which are named in the config."""
_ONLY_ROLLOUTS = frozenset({"generate", "rewards", CURATION, RECIPE})


@dataclass(frozen=True)
class Base:
    """The settings that axis values are put into."""

    sections: Mapping[str, Schema]
    params: Sequence[tuple[str, Mapping[str, Any]]]
    """Algorithm and complete hyperparameters of each compared group."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the axes, at a path below `axes`."""

    loc: tuple[int | str, ...]
    message: str
    value: object


class UnknownFieldError(KeyError):
    """A dotted path leads to nothing that can be set."""


def applies(path: str, algorithm: LLMAlgorithm) -> bool:
    """Whether the values of this axis make different runs of the algorithm."""
    section, _, rest = path.partition(".")
    if section == "params":
        return rest.split(".")[0] in algorithm.params.model_fields
    return algorithm.trains_on == "rollouts" or section not in _ONLY_ROLLOUTS


def changes_evaluation(path: str) -> bool:
    """Whether the values of this axis make different evaluations of the untrained policy."""
    return path in SOURCES or path.partition(".")[0] in ("evaluate", "grading", "prompt")


def label(name: str, values: Mapping[str, AxisValue], names: Mapping[str, str]) -> str:
    """Return the name of a compared group with its axis values: "TOPR, learning_rate = 0.001"."""
    return ", ".join([name, *(f"{names[path]} = {_text(v)}" for path, v in values.items())])


def _text(value: AxisValue) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def count(axes: Mapping[str, Sequence[AxisValue]], algorithm: str) -> int:
    """How many cells the axes make of one algorithm, before seeds."""
    total = 1
    for path, values in axes.items():
        if applies(path, ALGORITHMS[algorithm]):
            total *= len(values)
    return total


def cells(
    axes: Mapping[str, Sequence[AxisValue]], algorithm: str
) -> Iterator[dict[str, AxisValue]]:
    """Yield every combination of values of the axes that apply to the algorithm."""
    paths = [path for path in axes if applies(path, ALGORITHMS[algorithm])]
    for values in itertools.product(*(axes[path] for path in paths)):
        yield dict(zip(paths, values, strict=True))


def replaced(data: Mapping[str, Any], keys: Sequence[str], value: AxisValue) -> dict[str, Any]:
    """Return a copy with one nested value replaced.

    Raises:
        UnknownFieldError: the keys lead nowhere, or to a group of fields.
    """
    head, *rest = keys
    if head not in data or (not rest and isinstance(data[head], Mapping)):
        raise UnknownFieldError(".".join(keys))
    if not rest:
        return {**data, head: value}
    if not isinstance(data[head], Mapping):
        raise UnknownFieldError(".".join(keys))
    return {**data, head: replaced(data[head], rest, value)}


def with_values(section: S, values: Mapping[str, AxisValue]) -> S:
    """Return the section with values at dotted paths inside it, validated as a whole."""
    data = _whole(section)
    for path, value in values.items():
        data = replaced(data, path.split("."), value)
    return type(section).model_validate(data)


def _whole(section: Schema) -> dict[str, Any]:
    """Return a section as JSON, with fields that it leaves out while they are at their default."""
    data: dict[str, Any] = section.model_dump(mode="json")
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name not in data and isinstance(value, Schema):
            data[name] = _whole(value)
    return data


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Return the last word of each path, or the whole path where two share it."""
    last = [path.rpartition(".")[2] for path in paths]
    return {
        path: name if last.count(name) == 1 else path
        for path, name in zip(paths, last, strict=True)
    }


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
    if path in SOURCES:
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
    if section == "params":
        schemas = [(ALGORITHMS[name].params, params) for name, params in base.params]
        return [(schema, params) for schema, params in schemas if field in schema.model_fields]
    if section in base.sections:
        return [(type(base.sections[section]), _whole(base.sections[section]))]
    return []


def _validated(schema: type[Schema], data: Mapping[str, Any], keys: Sequence[str]) -> AxisValue:
    try:
        result: Any = _whole(schema.model_validate(data))
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
    if section == "params":
        known = {f for name, _ in base.params for f in ALGORITHMS[name].params.model_fields}
        if not known:
            return "None of the chosen algorithms has hyperparameters of its own."
        return f"None of the chosen algorithms has {path}. Known: {_list(section, known)}."
    if section in base.sections:
        known = set(type(base.sections[section]).model_fields)
        if not known:
            return f"The chosen {section} has no settings of its own."
        return f"There is no {path}. Known: {_list(section, known)}."
    known_sections = [f"{name}.…" for name in (RECIPE, *SECTIONS, "params")]
    return f"An axis starts with one of {', '.join([*SOURCES, *known_sections])}."


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
