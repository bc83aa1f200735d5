"""Which settings may be an axis, and the values that a person writes for one."""

from collections.abc import Callable, Iterable, Iterator

from django.core.exceptions import ValidationError

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from webapp.datasets.selectors import datasets
from webapp.experiments.axes import RECIPE, SOURCES, AxisValue
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.recipes import settings_schema
from webapp.policies.selectors import policies
from webapp.schema_fields import label_of, nested_schema
from webapp.schema_forms import value_text

SECTION_TITLES = {
    "settings": "Training",
    "prompt": "Prompt",
    "generate": "Generation",
    "grading": "Grading",
    "rewards": "Rewards",
    "evaluate": "Evaluation",
}
"""Settings that every algorithm shares, in the order of the page."""
HIDDEN = {"generate": ("prompt",), "evaluate": ("grading", "prompt")}
"""Fields set elsewhere on the page."""

Choices = list[tuple[str, list[tuple[str, str]]]]


def section_schema(name: str) -> type[Schema]:
    """Return the schema of a section of the config."""
    schema = nested_schema(ExperimentConfig.model_fields[name].annotation)
    assert schema is not None
    return schema


def axis_choices(algorithms: Iterable[str], *, recipe: str = "") -> Choices:
    """Return (group, [(dotted path, label)]) of every setting that these algorithms have.

    Args:
        recipe: whose own settings are offered as well.
    """
    own = {
        path: f"{label} ({path.removeprefix('params.')})"
        for name in dict.fromkeys(algorithms)
        if name in ALGORITHMS
        for path, label in paths_of(ALGORITHMS[name].params, "params")
    }
    groups: Choices = [("Hyperparameters of the algorithms", list(own.items()))] if own else []
    if recipe and (named := list(paths_of(settings_schema(recipe), RECIPE))):
        groups.append(("Recipe", named))
    groups += [
        (title, list(paths_of(section_schema(name), name, without=HIDDEN.get(name, ()))))
        for name, title in SECTION_TITLES.items()
    ]
    groups.append(("What it starts from", [("dataset_id", "Dataset"), ("policy_id", "Policy")]))
    return groups


def paths_of(
    schema: type[Schema], path: str, without: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    for name, info in schema.model_fields.items():
        if name in without:
            continue
        nested = nested_schema(info.annotation)
        if nested:
            yield from paths_of(nested, f"{path}.{name}")
        else:
            yield f"{path}.{name}", info.title or label_of(name)


def axis_values(
    path: str, text: str, names: Callable[[str], dict[int, str]] | None = None
) -> tuple[AxisValue, ...]:
    """Return the values of a text such as "1e-4, 3e-4, none"; the config turns them into numbers.

    Args:
        names: names of the sources that a path may name, by id; `source_names` where not given.

    Raises:
        ValidationError: a dataset or policy of that name does not exist.
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if path in SOURCES:
        return _ids(path, words, (names or source_names)(path))
    return tuple(None if word.lower() == "none" else word for word in words)


def values_text(path: str, values: Iterable[AxisValue], names: dict[int, str]) -> str:
    """Return axis values as a person would write them; sources by their names."""
    if path in SOURCES:
        return ", ".join(names.get(value, str(value)) for value in values if isinstance(value, int))
    return ", ".join(value_text(value) for value in values)


def source_names(path: str) -> dict[int, str]:
    """Return the names of all datasets or policies by id."""
    of_prompts = path == "dataset_id"
    rows = datasets(family="prompts") if of_prompts else policies(family="language")
    return {row.pk: str(row) for row in rows}


def _ids(path: str, words: list[str], names: dict[int, str]) -> tuple[int, ...]:
    by_name = {name.lower(): pk for pk, name in names.items()}
    found: list[int] = []
    for word in words:
        pk = by_name.get(word.lower())
        if pk is None and word.isdecimal() and int(word) in names:
            pk = int(word)
        if pk is None:
            known = ", ".join(list(names.values())[:8])
            raise ValidationError(f"There is no {path[:-3]} “{word}”. Known: {known}.")
        found.append(pk)
    return tuple(found)
