"""What the New experiment page shows before anything is typed, as a browser would post it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.http import QueryDict

from webapp.catalogue.known import KNOWN
from webapp.curation.drafts import steps_data
from webapp.experiments.axis_choices import (
    SECTION_TITLES,
    section_schema,
    source_names,
    values_text,
)
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig
from webapp.experiments.draft_parts import RECIPE_SETTINGS
from webapp.experiments.forms import seeds_text
from webapp.experiments.models import Experiment
from webapp.experiments.offers import Offer
from webapp.experiments.recipes import settings_schema
from webapp.schema_forms import form_values

ROW, AXIS, CURATION = "row", "axis", "curation"
"""Names whose repeated values list the keys of the rows, axes and curations of a form."""


def empty_data() -> QueryDict:
    """Return the page with every default and nothing chosen."""
    data = QueryDict(mutable=True)
    data.update({"priority": "0", "seeds": "0-2", "label": "cpu", "launch_key": str(uuid4())})
    for name in SECTION_TITLES:
        data.update(section_data(name, {}))
    data.update(recipe_data("offline", {}))
    return data


def recipe_data(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the posted values of a recipe; settings that are left out take their defaults."""
    own = form_values(settings_schema(name), settings, prefix=RECIPE_SETTINGS)
    return {"recipe": name, **own}


def choose_recipe(data: QueryDict, name: str) -> None:
    """Put another recipe into the page, with its settings at their defaults."""
    for field in [field for field in data if field.partition("-")[0] == RECIPE_SETTINGS]:
        del data[field]
    data.update(recipe_data(name, {}))


def clone_data(experiment: Experiment, config: ExperimentConfig) -> QueryDict:
    """Return the page filled with another experiment's config."""
    data = empty_data()
    data.update(
        {
            "name": f"{experiment.name} (copy)"[:160],
            "question": experiment.question,
            "tags": ", ".join(experiment.tags),
            "priority": str(experiment.priority),
            "cloned_from": str(experiment.pk),
        }
    )
    _replace(data, _config_data(config))
    data.setlist("benchmarks", [str(pk) for pk in config.benchmarks])
    for choice in config.algorithms:
        origin = f"preset:{choice.preset_id}" if choice.preset_id else choice.algorithm
        offer = Offer(origin, choice.label, choice.algorithm, choice.params, choice.preset_id)
        add_offer(data, offer)
    for one in config.curations:
        add_curation(data, one.name, one.model_dump(mode="json")["steps"], seed=one.seed)
    for path, values in config.axes.items():
        names = source_names(path) if path.endswith("_id") else {}
        add_axis(data, path, values_text(path, values, names))
    return data


def extension_data(config: AnyConfig) -> QueryDict:
    """Return the page that adds to an experiment: its seeds, and no algorithm yet."""
    data = QueryDict(mutable=True)
    data["seeds"] = seeds_text(config.seeds)
    return data


def _config_data(config: ExperimentConfig) -> dict[str, str]:
    found = {
        "dataset_id": str(config.dataset_id),
        "eval_dataset_id": str(config.eval_dataset_id or ""),
        "policy_id": str(config.policy_id),
        "reference_policy_id": str(config.reference_policy_id or ""),
        "rollouts_id": str(config.rollouts_id or ""),
        "seeds": seeds_text(config.seeds),
        "label": config.label,
    }
    if config.evaluate_checkpoints:
        found["evaluate_checkpoints"] = "on"
    for name in SECTION_TITLES:
        found |= section_data(name, getattr(config, name).model_dump())
    return found | recipe_data(config.recipe, config.recipe_settings)


def _replace(data: QueryDict, values: Mapping[str, str]) -> None:
    """Set values; a box that is unticked in them is unticked in the data."""
    sections = {*SECTION_TITLES, RECIPE_SETTINGS}
    for name in [name for name in data if name.partition("-")[0] in sections]:
        del data[name]
    for name, text in values.items():
        data[name] = text


def section_data(name: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the posted values of one section; what is left out takes its default."""
    return form_values(section_schema(name), values, prefix=name)


def add_offer(data: QueryDict, offer: Offer) -> str:
    """Add one compared group under a name that is free; return its key."""
    key = next_key(data, ROW)
    data[f"row{key}-label"] = free_label(data, offer.label)
    data[f"row{key}-algorithm"] = offer.algorithm
    data[f"row{key}-source"] = offer.source
    data[f"row{key}-preset_id"] = str(offer.preset_id or "")
    schema = KNOWN[offer.algorithm].params
    for name, text in form_values(schema, offer.params, prefix=f"row{key}p").items():
        data[name] = text
    data.appendlist(ROW, key)
    return key


def copy_row(data: QueryDict, key: str) -> str:
    """Add the row again, with everything typed in it, under a name that is free."""
    copy = next_key(data, ROW)
    for name in list(data):
        owner, separator, rest = name.partition("-")
        if separator and owner in (f"row{key}", f"row{key}p"):
            data[f"row{copy}{owner.removeprefix(f'row{key}')}-{rest}"] = data.get(name, "")
    data[f"row{copy}-label"] = free_label(data, data.get(f"row{key}-label", ""))
    data.appendlist(ROW, copy)
    return copy


def add_axis(data: QueryDict, path: str = "", values: str = "") -> str:
    """Add one axis to the posted values and return its key."""
    key = next_key(data, AXIS)
    data.appendlist(AXIS, key)
    data[f"axis{key}-path"] = path
    data[f"axis{key}-values"] = values
    return key


def add_curation(
    data: QueryDict, name: str, steps: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> str:
    """Add one curation to the posted values and return its key."""
    key = next_key(data, CURATION)
    data.appendlist(CURATION, key)
    data[f"cur{key}-name"] = name
    data[f"cur{key}-seed"] = str(seed)
    for field, values in steps_data(steps, f"cur{key}").lists():
        data.setlist(field, values)
    return key


def next_key(data: QueryDict, name: str) -> str:
    """Return a key that no row or axis of the data has."""
    return str(max((int(key) for key in keys(data, name)), default=-1) + 1)


def keys(data: QueryDict, name: str) -> list[str]:
    """Return the keys of rows or axes, in the order of the page; what is no key is dropped."""
    found = (key for key in data.getlist(name) if key.isascii() and key.isdecimal())
    return list(dict.fromkeys(key for key in found if len(key) <= 6))


def free_label(data: QueryDict, label: str) -> str:
    """Return the label, or "label 2", "label 3"... where rows have taken it."""
    taken = {data.get(f"row{key}-label") for key in keys(data, ROW)}
    label = label[:74]
    free, number = label, 2
    while free in taken:
        free, number = f"{label} {number}", number + 1
    return free
