"""Fields of the New experiment page of the control laboratory that no schema declares."""

from typing import Any

from django import forms

from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.experiments.forms import ChoiceForm, SeedsForm
from webapp.experiments.source_forms import label_choices


class ControlSourcesForm(SeedsForm):
    """What the experiment starts from, and who computes it."""

    dataset_id = forms.ModelChoiceField(
        Dataset.objects.none(),
        label="Data set",
        empty_label=None,
        help_text="Transitions that policies, score network and inverse dynamics learn from.",
    )
    network_seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        label="Seed of the networks",
        help_text="Of score network and inverse dynamics, one of each for all policies.",
    )
    label = forms.ChoiceField(label="Workers", help_text="Who computes the jobs.")
    field_order = ("dataset_id", "seeds", "network_seed", "label")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen, labels = self.fields["dataset_id"], self.fields["label"]
        assert isinstance(chosen, forms.ModelChoiceField)
        assert isinstance(labels, forms.ChoiceField)
        chosen.queryset = datasets(family="transitions").defer("job__spec")
        labels.choices = label_choices(self.data.get("label") or self.initial.get("label") or "")


class GivenForm(ChoiceForm):
    """One policy that exists; which of those that its artifact holds is a schema form beside it."""

    algorithm = forms.CharField(required=False, widget=forms.HiddenInput)
    policy_id = forms.IntegerField(widget=forms.HiddenInput)


class CorrectionForm(forms.Form):
    """One way of acting; its settings are a schema form beside it."""

    name = forms.CharField(
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="In legends and tables, behind the policy's.",
    )
    correction = forms.CharField(required=False, widget=forms.HiddenInput)
    preset_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
