"""Pieces of the New experiment page of the control laboratory: policies, corrections, sections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from algorithms.base import Schema, UserError
from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_models import dynamics, score
from algorithms.environments.table import ENVIRONMENTS
from webapp.experiments.control.choices import Which
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.forms import CorrectionForm, GivenForm
from webapp.experiments.draft_parts import Row, Section, add_once
from webapp.experiments.forms import ChoiceForm
from webapp.experiments.plan import NoSettings
from webapp.schema_fields import nested_schema
from webapp.schema_forms import SEPARATOR, SchemaForm, differences, form_values, schema_form

TITLES = {
    "settings": "Training",
    "score": "Score network",
    "inverse_dynamics": "Inverse dynamics model",
    "evaluate": "Evaluation",
}
"""Settings that all policies share, in the order of the page."""
NETWORKS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "score": score.PRESETS,
    "inverse_dynamics": dynamics.PRESETS,
}
"""What the networks of these sections may start from."""
HIDDEN = {"score": ("params__variables",)}
"""Fields that follow from others."""


def section_schema(name: str) -> type[Schema]:
    """Return the schema of a section of the config."""
    schema = nested_schema(ControlConfig.model_fields[name].annotation)
    assert schema is not None
    return schema


def section_of(name: str, data: QueryDict) -> Section:
    """Return a section of the posted values."""
    kind = schema_form(section_schema(name), prefix=name, without=HIDDEN.get(name, ()))
    form = kind(data)
    if name == "evaluate":
        form.fields["environment"] = _environments(form.fields["environment"])
    return Section(name, TITLES[name], form, tuple(NETWORKS.get(name, ())))


def network_section(name: str, preset: str, data: QueryDict) -> Section:
    """Return a section of the posted values whose network is one of its presets.

    Raises:
        UserError: there is no such section, or no such preset of it.
    """
    found = NETWORKS.get(name, {}).get(preset)
    if found is None:
        raise UserError(f"There is no preset {preset} of {name}.")
    changed = data.copy()
    fresh = form_values(section_schema(name), {"params": found}, prefix=name)
    own = f"{name}-params{SEPARATOR}"
    changed.update({key: value for key, value in fresh.items() if key.startswith(own)})
    return section_of(name, changed)


def _environments(field: forms.Field) -> forms.Field:
    known = [(name, f"{one.title} ({name})") for name, one in ENVIRONMENTS.items()]
    return forms.ChoiceField(
        choices=[("", "that of the policy's data"), *known],
        label=field.label,
        help_text=field.help_text,
        initial=field.initial,
        required=False,
    )


def row_of(data: QueryDict, key: str) -> Row | None:
    """Return one policy of the posted values; None where its algorithm is not installed."""
    prefix = f"row{key}"
    algorithm = data.get(f"{prefix}-algorithm", "")
    if algorithm in CONTROL_ALGORITHMS:
        kind = schema_form(CONTROL_ALGORITHMS[algorithm].params, prefix=f"{prefix}p")
        return Row(key, ChoiceForm(data, prefix=prefix), kind(data), algorithm)
    if f"{prefix}-policy_id" in data:
        kind = schema_form(Which, prefix=f"{prefix}p")
        return Row(key, GivenForm(data, prefix=prefix), kind(data), "")
    return None


def given_of(row: Row) -> dict[str, Any]:
    """Return a given policy as the config names it."""
    told = row.form.cleaned_data
    which = row.params.cleaned_schema().model_dump() if row.params.is_valid() else {}
    return {"label": told["label"], "policy_id": told["policy_id"], **which}


@dataclass(frozen=True)
class CorrectionRow:
    """One way of acting: its name, and its settings."""

    key: str
    form: CorrectionForm
    params: SchemaForm
    correction: str

    @property
    def open(self) -> bool:
        """Whether its settings are shown at once."""
        return bool(self.params.errors)

    @property
    def title(self) -> str:
        """What it is."""
        return CORRECTIONS[self.correction].title if self.correction else "As the policy says"

    @property
    def changed(self) -> list[tuple[str, str]]:
        """Settings that are not the correction's defaults; none while they are invalid."""
        valid = self.params.is_valid()
        return differences(self.params.schema, self.params.cleaned_schema()) if valid else []

    def raw(self) -> dict[str, Any]:
        """Return it as the config names it; its form is valid."""
        told = self.form.cleaned_data
        params = self.params.cleaned_schema().model_dump() if self.params.is_valid() else {}
        return {
            "name": told["name"],
            "correction": self.correction,
            "params": params,
            "preset_id": told["preset_id"],
        }

    def place(self, rest: list[int | str], message: str) -> None:
        """Put an error of the config at its field."""
        if rest[:1] == ["params"]:
            add_once(self.params, SEPARATOR.join(str(part) for part in rest[1:]), message)
        else:
            add_once(self.form, "name", message)


def correction_of(data: QueryDict, key: str) -> CorrectionRow | None:
    """Return one correction of the posted values; None where it is not installed."""
    prefix = f"cor{key}"
    name = data.get(f"{prefix}-correction", "")
    if name and name not in CORRECTIONS:
        return None
    schema = CORRECTIONS[name].params if name else NoSettings
    params = schema_form(schema, prefix=f"{prefix}p")(data)
    return CorrectionRow(key, CorrectionForm(data, prefix=prefix), params, name)
