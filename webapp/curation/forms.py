"""Forms of the curation page beside its steps."""

from django import forms

from webapp.curation.models import CuratedSet
from webapp.dial_form import DialForm


class LookForm(DialForm):
    """What the composition is looked at with; nothing of it is stored but the seed."""

    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, help_text="Of every draw."
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=65_536, initial=128, help_text="Completions per optimizer step."
    )


class NameForm(forms.Form):
    """What the curated set is called."""

    name = forms.CharField(
        max_length=CuratedSet._meta.get_field("name").max_length,  # noqa: SLF001 - a public name
        help_text="As it appears among the rollouts and in New experiment.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
