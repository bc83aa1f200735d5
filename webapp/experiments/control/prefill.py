"""What the New experiment page of the control laboratory shows before anything is typed."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.http import QueryDict

from algorithms.catalogue import CORRECTIONS
from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.experiments.axis_choices import values_text
from webapp.experiments.control.choices import Which
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.offers import (
    NOTHING,
    POLICY,
    GivenOffer,
    usual_correction,
)
from webapp.experiments.control.parts import TITLES, section_schema
from webapp.experiments.forms import seeds_text
from webapp.experiments.models import Experiment
from webapp.experiments.offers import Offer, short_name
from webapp.experiments.prefill import ROW, add_axis, add_offer, free_label, next_key
from webapp.schema_forms import form_values

CORRECTION = "correction"
"""Name whose repeated values list the keys of the corrections."""


def dataset_names(_: str = "") -> dict[int, str]:
    """Return the names of all data sets of transitions by id."""
    return {row.pk: str(row) for row in datasets(family="transitions")}


def empty_data(dataset: Dataset | None) -> QueryDict:
    """Return the page with every default, uncorrected and corrected, and no policy yet."""
    data = _bare_data()
    data["dataset_id"] = str(dataset.pk if dataset else "")
    add_correction(data, NOTHING)
    add_correction(data, usual_correction(dataset))
    return data


def _bare_data() -> QueryDict:
    data = QueryDict(mutable=True)
    plain = {"priority": "0", "seeds": "0-2", "label": "cpu", "network_seed": "0"}
    data.update({**plain, "recipe": "control", "launch_key": str(uuid4())})
    for name in TITLES:
        data.update(_section(name, {}))
    return data


def _section(name: str, values: Mapping[str, Any]) -> dict[str, str]:
    # What the config's own default leaves out is not what the schema's would be.
    default = ControlConfig.model_fields[name].default
    return form_values(section_schema(name), values or default, prefix=name)


def clone_data(experiment: Experiment, config: ControlConfig) -> QueryDict:
    """Return the page filled with another experiment's config."""
    data = QueryDict(mutable=True)
    plain = {
        "recipe": config.recipe,
        "launch_key": str(uuid4()),
        "name": f"{experiment.name} (copy)"[:160],
        "question": experiment.question,
        "tags": ", ".join(experiment.tags),
        "priority": str(experiment.priority),
        "cloned_from": str(experiment.pk or ""),
        "dataset_id": str(config.dataset_id),
        "seeds": seeds_text(config.seeds),
        "network_seed": str(config.network_seed),
        "label": config.label,
    }
    data.update(plain)
    for name in TITLES:
        data.update(_section(name, getattr(config, name).model_dump()))
    for choice in config.algorithms:
        origin = f"preset:{choice.preset_id}" if choice.preset_id else choice.algorithm
        offer = Offer(origin, choice.label, choice.algorithm, choice.params, choice.preset_id)
        add_offer(data, offer)
    for given in config.policies:
        offered = GivenOffer(
            f"{POLICY}{given.policy_id}", given.label, given.policy_id, environment="", owner=""
        )
        add_given(data, offered, Which(stage=given.stage, policy_seed=given.policy_seed))
    for one in config.corrections:
        add_correction(data, Offer("", one.name, one.correction, one.params, one.preset_id))
    for path, values in config.axes.items():
        add_axis(data, path, axis_text(path, values))
    return data


def axis_text(path: str, values: Any) -> str:
    """Return axis values as a person would write them; data sets by their names."""
    return values_text(path, values, dataset_names() if path == "dataset_id" else {})


def add_given(data: QueryDict, offer: GivenOffer, which: Which | None = None) -> str:
    """Add one policy that exists under a name that is free; return its key."""
    key = next_key(data, ROW)
    data[f"row{key}-label"] = free_label(data, offer.label)
    data[f"row{key}-policy_id"] = str(offer.policy_id)
    data[f"row{key}-source"] = offer.source
    data.update(form_values(Which, which or Which(), prefix=f"row{key}p"))
    data.appendlist(ROW, key)
    return key


def add_correction(data: QueryDict, offer: Offer) -> str:
    """Add one way of acting under a name that is free; return its key."""
    key = next_key(data, CORRECTION)
    shipped = offer.preset_id is None and offer.source
    name = short_name(offer.algorithm) if shipped else offer.label
    data[f"cor{key}-name"] = _free_name(data, name)
    data[f"cor{key}-correction"] = offer.algorithm
    data[f"cor{key}-preset_id"] = str(offer.preset_id or "")
    if offer.algorithm:
        schema = CORRECTIONS[offer.algorithm].params
        data.update(form_values(schema, offer.params, prefix=f"cor{key}p"))
    data.appendlist(CORRECTION, key)
    return key


def _free_name(data: QueryDict, name: str) -> str:
    taken = {data.get(f"cor{key}-name") for key in data.getlist(CORRECTION)}
    name = name[:54]
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
