"""Forms of new policies."""

from typing import Any

from django import forms
from django.http import QueryDict

from algorithms.asking import Grading, Sampling
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from algorithms.sources import (
    GGUFModel,
    HubModel,
    LocalModel,
    ModelSource,
    PackagedModel,
    TinyLlama,
)
from algorithms.specs import PolicySpec, TrainSpec
from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.jobs.selectors import workers_live
from webapp.jobs.states import JobState
from webapp.policies.models import Policy
from webapp.schema_forms import SchemaForm, schema_form

SOURCES: dict[str, type[ModelSource]] = {
    "tiny": TinyLlama,
    "package": PackagedModel,
    "path": LocalModel,
    "gguf": GGUFModel,
    "hub": HubModel,
}
"""Ways to a policy, by the value of the field `way`."""


class WarmStart(Schema):
    """Supervised training on reference answers, before any reinforcement."""

    settings: LLMSettings = LLMSettings(
        steps=2000, stop_at_accuracy=0.25, evaluate_every=25, evaluate_problems=200
    )
    """How it is trained."""
    seed: int = 0
    """Seed of data order and sampling."""
    sampling: Sampling = Sampling()
    """How held-out completions are drawn."""
    grading: Grading = Grading()
    """How held-out completions are judged."""


MAIN_FIELDS = (
    "settings__steps",
    "settings__stop_at_accuracy",
    "settings__learning_rate",
    "settings__batch_size",
    "sampling__max_new_tokens",
    "grading__grader",
    "seed",
)
"""Of the warm start, shown at once; the others are a click away."""


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What a policy is called."""

    class Meta:
        model = Policy
        fields = ("name", "description")
        help_texts = {"description": "What it is for. May stay empty."}
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}


class CheckpointForm(forms.Form):
    """Which of the policies that a training kept."""

    checkpoint = forms.IntegerField(
        required=False,
        min_value=1,
        label="After updates",
        help_text="Empty: what the run ended with. Else one of the policies that it kept on its "
        "way (keep every, among the settings of training).",
    )


class MakingForm(forms.Form):
    """Where a policy is made, and whether it is trained first."""

    label = forms.ChoiceField(label="Queue", help_text="Workers with this label make it.")
    warm_start = forms.BooleanField(
        required=False,
        label="Warm start: train on reference answers first",
        help_text="A random model solves nothing, so there is no reward to learn from. A few "
        "supervised steps give it something to improve.",
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.none(),
        required=False,
        empty_label="Choose…",
        help_text="It learns from the split “train” and is evaluated on “test”.",
    )

    def __init__(self, data: QueryDict | None, *, warm_start: bool = True) -> None:
        super().__init__(data, initial={"warm_start": warm_start})
        labels = {"cpu"} | {label for worker in workers_live() for label in worker.labels}
        self.fields["label"].choices = [(label, label) for label in sorted(labels)]  # type: ignore[attr-defined]
        usable = datasets(family="prompts").exclude(job__state=JobState.FAILED)
        self.fields["dataset"].queryset = usable  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Require a dataset for a warm start."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("warm_start") and not cleaned.get("dataset"):
            self.add_error("dataset", "Choose the dataset that the warm start learns from.")
        return cleaned


def source_forms(data: QueryDict | None, way: str) -> dict[str, SchemaForm]:
    """Return a form for each source; the one that was chosen is bound to the data."""
    return {name: _source_form(name, data if name == way else None) for name in SOURCES}


def _source_form(name: str, data: QueryDict | None) -> SchemaForm:
    form = schema_form(SOURCES[name], prefix=name)(data)
    form.fields["source"].widget = forms.HiddenInput()
    return form


def warm_start_form(data: QueryDict | None) -> SchemaForm:
    """Return the form of the warm start's settings."""
    return schema_form(WarmStart, prefix="warm", initial=WarmStart())(data)


def spec_of(form: SchemaForm) -> PolicySpec:
    """Return the spec that a valid source form describes."""
    return PolicySpec.model_validate({"source": form.cleaned_schema().model_dump()})


def train_spec_of(form: SchemaForm) -> TrainSpec:
    """Return the supervised training that a valid warm-start form describes."""
    name = next(name for name, one in ALGORITHMS.items() if one.trains_on == "references")
    return TrainSpec.model_validate({"algorithm": name, **form.cleaned_schema().model_dump()})
