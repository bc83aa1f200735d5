"""Forms of imported transitions."""

from django import forms
from django.http import QueryDict

from algorithms.control_specs import (
    MinariSet,
    TransitionsFile,
    TransitionsSettings,
    TransitionsSpec,
)
from algorithms.environments.table import ENVIRONMENTS
from webapp.schema_forms import SchemaForm, schema_form

UPLOAD = "upload"
WAYS = (UPLOAD, "path", "minari")
"""Ways to transitions besides collecting them, by the value of the field `way`."""


def source_forms(data: QueryDict | None, way: str) -> dict[str, SchemaForm]:
    """Return a form for a path and one for Minari; the one that was chosen is bound."""
    made = {
        "path": schema_form(TransitionsFile, prefix="path")(data if way == "path" else None),
        "minari": schema_form(MinariSet, prefix="minari")(data if way == "minari" else None),
    }
    for form in made.values():
        form.fields["source"].widget = forms.HiddenInput()
    made["path"].fields["path"].required = True
    return made


def settings_form(data: QueryDict | None, spec: TransitionsSpec | None = None) -> SchemaForm:
    """Return the form of what is known of the data beside their source.

    Args:
        spec: what it shows at first.
    """
    initial = (spec or TransitionsSpec()).model_dump(exclude={"source"})
    form = schema_form(TransitionsSettings, initial=initial)(data)
    shown = form.fields["environment"]
    titles = [(name, f"{each.title} ({name})") for name, each in ENVIRONMENTS.items()]
    form.fields["environment"] = forms.ChoiceField(
        choices=[("", "none of these"), *titles],
        required=False,
        label=shown.label,
        help_text=shown.help_text,
        initial=shown.initial,
    )
    return form


def spec_of(settings: SchemaForm, source: SchemaForm | None) -> TransitionsSpec:
    """Return the spec that valid forms describe; without a source that of an upload."""
    values = settings.cleaned_schema().model_dump()
    if source is not None:
        values["source"] = source.cleaned_schema().model_dump()
    return TransitionsSpec.model_validate(values)
