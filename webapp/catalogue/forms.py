"""Forms of the gallery: hyperparameters come from `webapp.schema_forms`, names from here."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from webapp.catalogue.known import KNOWN
from webapp.catalogue.models import Preset
from webapp.schema_forms import SchemaForm, form_values, schema_form

PREFIX = "p"
"""Before every hyperparameter in an address or a post: `p-baseline`."""
SET = "set"
"""Its presence says that the address carries hyperparameters; unticked boxes leave no trace."""


class PresetForm(forms.Form):
    """Name and notes of a preset."""

    name = forms.CharField(
        max_length=Preset._meta.get_field("name").max_length,  # noqa: SLF001 - a public name
        help_text="As it appears in legends and tables, such as “TOPR, c = −0.5”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    notes = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="Why it exists."
    )


def params_form(name: str, data: Mapping[str, Any] | None = None) -> SchemaForm:
    """Return the hyperparameter form of an algorithm, filled from `data` or with defaults."""
    return schema_form(KNOWN[name].params, prefix=PREFIX)(data)


def asked_params(request: HttpRequest, name: str) -> SchemaForm:
    """Return the form with the hyperparameters of the address, or else with the defaults."""
    return params_form(name, request.GET if SET in request.GET else None)


def stored_params(name: str, address: QueryDict, stored: Mapping[str, Any]) -> SchemaForm:
    """Return the form with the hyperparameters of the address, or else with the stored ones.

    Stored values that the algorithm no longer takes show up as errors at their fields.
    """
    if SET in address:
        return params_form(name, address)
    return params_form(name, form_values(KNOWN[name].params, stored, prefix=PREFIX))
