"""Forms of the curation page beside its steps."""

from django import forms

from webapp.curation.models import CuratedSet

DIALS = ("baseline", "effective_share")
"""Two ends of one dial; whichever was typed last leads."""


class DialForm(forms.Form):
    """What the composition is looked at with; nothing of it is stored but the seed."""

    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, help_text="Of every draw."
    )
    baseline = forms.FloatField(
        label="Baseline c",
        required=False,
        min_value=-1,
        max_value=1,
        initial=0,
        widget=forms.NumberInput(attrs={"step": "any", "data-dial": "baseline"}),
        help_text="Subtracted from rewards of ±1.",
    )
    effective_share = forms.FloatField(
        label="Effective share of positives",
        required=False,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "any", "data-dial": "effective_share"}),
        help_text="The weight of positives at that baseline (p_eff).",
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=65_536, initial=128, help_text="Completions per optimizer step."
    )
    lead = forms.ChoiceField(
        choices=[(name, name) for name in DIALS],
        initial=DIALS[0],
        required=False,
        widget=forms.HiddenInput(attrs={"data-dial-lead": ""}),
    )


class NameForm(forms.Form):
    """What the curated set is called."""

    name = forms.CharField(
        max_length=CuratedSet._meta.get_field("name").max_length,  # noqa: SLF001 - a public name
        help_text="As it appears among the rollouts and in New experiment.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
