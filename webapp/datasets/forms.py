"""Forms of new datasets."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from algorithms.base import Schema
from algorithms.data.records import SUFFIXES
from algorithms.data.rows import FieldMapping
from algorithms.sources import ArithmeticSource, DatasetSource, FileSource, HubSource, PublicSource
from algorithms.specs import DatasetSpec
from webapp.components.formats import size
from webapp.datasets.imports import guess_mapping
from webapp.datasets.models import Dataset
from webapp.schema_forms import SchemaForm, schema_form

UPLOAD = "upload"
SOURCES: dict[str, type[DatasetSource]] = {
    "public": PublicSource,
    "arithmetic": ArithmeticSource,
    "path": FileSource,
    "hub": HubSource,
}
"""Ways to a dataset besides an upload, by the value of the field `way`."""


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What a dataset is called."""

    class Meta:
        model = Dataset
        fields = ("name", "description")
        help_texts = {
            "name": "A name that you have already used gives the next version of that dataset.",
            "description": "Where it comes from, what it is for. May stay empty.",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}


class UploadForm(forms.Form):
    """A file from the person's computer."""

    file = forms.FileField(
        widget=forms.FileInput(attrs={"accept": ",".join(SUFFIXES)}),
        error_messages={
            "required": "Choose a file.",
            "empty": "The file is empty (0 bytes).",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = settings.LAB_UPLOAD_MAX_BYTES
        field = self.fields["file"]
        field.widget.attrs["data-max-bytes"] = str(limit)
        field.help_text = (
            "JSONL (one object per line), CSV with a header line, or Parquet; at most "
            f"{size(limit)}. You choose the columns on the next page, before anything is imported."
        )


class MappingForm(forms.Form):
    """Which column holds what."""

    prompt = forms.ChoiceField(help_text="What the policy is asked.")
    answer = forms.ChoiceField(help_text="The reference answer that completions are graded by.")
    id = forms.ChoiceField(required=False, help_text="Must be different in every row.")
    split = forms.ChoiceField(
        required=False, help_text="Says of each row whether it is for training or for testing."
    )
    group = forms.ChoiceField(required=False, help_text="A level or subject, if there is one.")
    default_split = forms.RegexField(
        r"^[A-Za-z0-9_.-]{1,40}$",
        initial="train",
        label="Name of that split",
        help_text="Where no column holds it. Trainings read “train”, evaluations “test”.",
        error_messages={"invalid": "Use up to 40 letters, digits, dots, dashes or underscores."},
    )

    def __init__(self, data: QueryDict | None, *, columns: list[str]) -> None:
        super().__init__(data, initial=vars(guess_mapping(columns)))
        choices = [(name, name) for name in columns]
        nothing = {"id": "number the rows", "split": "all rows in one split", "group": "none"}
        for name in ("prompt", "answer", "id", "split", "group"):
            blank = [("", nothing[name])] if name in nothing else []
            self.fields[name].choices = blank + choices  # type: ignore[attr-defined]

    def mapping(self) -> FieldMapping:
        """Return the choice; the form is valid."""
        return FieldMapping(**self.cleaned_data)


def source_forms(data: QueryDict | None, way: str) -> dict[str, SchemaForm]:
    """Return a form for each source; the one that was chosen is bound to the data."""
    return {name: _source_form(name, data if name == way else None) for name in SOURCES}


def _source_form(name: str, data: QueryDict | None) -> SchemaForm:
    form = schema_form(SOURCES[name], prefix=name)(data)
    form.fields["source"].widget = forms.HiddenInput()
    return form


def spec_of(form: SchemaForm) -> DatasetSpec:
    """Return the spec that a valid source form describes."""
    source: Schema = form.cleaned_schema()
    return DatasetSpec.model_validate({"source": source.model_dump()})
