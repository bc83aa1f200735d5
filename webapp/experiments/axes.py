"""Axes of an experiment: fields that take several values, multiplied out; pure."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS

S = TypeVar("S", bound=Schema)
AxisValue = bool | int | float | str | None

SECTIONS = ("prompt", "generate", "grading", "rewards", "settings", "evaluate")
"""Parts of a config whose fields may be axes, besides `params` and the sources."""
RECIPE = "recipe"
"""Section of the recipe's own settings, whose schema the recipe chooses."""
SOURCES = ("dataset_id", "policy_id")
SourceNames = Mapping[str, Mapping[int, str]]
"""What data sets and policies are called, by the path of their axis and their id."""
MAX_LABEL = 160
"""Longest name of a compared group, axis values included."""
CURATION = "curation"
"""Axis of the compared curations, which are named in the config."""
_ONLY_ROLLOUTS = frozenset({"generate", "rewards", CURATION, RECIPE})


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


def label(
    name: str,
    values: Mapping[str, AxisValue],
    names: Mapping[str, str],
    sources: SourceNames | None = None,
) -> str:
    """Return the name of a compared group with its axis values: "TOPR, learning_rate = 0.001".

    Sources are told by their names, "BC, dataset = Detours", where these are given and it fits.
    """
    own = [(names[path], _text(value)) for path, value in values.items()]
    told = [
        _named(path, value, sources or {}) or pair
        for (path, value), pair in zip(values.items(), own, strict=True)
    ]
    found, by_id = (
        ", ".join([name, *(f"{field} = {text}" for field, text in each)]) for each in (told, own)
    )
    return found if len(found) <= MAX_LABEL else by_id


def _named(path: str, value: AxisValue, sources: SourceNames) -> tuple[str, str] | None:
    if path not in SOURCES or not isinstance(value, int) or value not in sources.get(path, {}):
        return None
    return path.removesuffix("_id"), sources[path][value]


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
    return combinations(axes, paths)


def combinations(
    axes: Mapping[str, Sequence[AxisValue]], paths: Sequence[str]
) -> Iterator[dict[str, AxisValue]]:
    """Yield every combination of values of these axes."""
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
    data = whole(section)
    for path, value in values.items():
        data = replaced(data, path.split("."), value)
    return type(section).model_validate(data)


def whole(section: Schema) -> dict[str, Any]:
    """Return a section as JSON, with fields that it leaves out while they are at their default."""
    data: dict[str, Any] = section.model_dump(mode="json")
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name not in data and isinstance(value, Schema):
            data[name] = whole(value)
    return data


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Return the last word of each path, or the whole path where two share it."""
    last = [path.rpartition(".")[2] for path in paths]
    return {
        path: name if last.count(name) == 1 else path
        for path, name in zip(paths, last, strict=True)
    }
