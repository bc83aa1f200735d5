"""The baseline c and the share of positives that it is worth, as a form: two ends of one dial."""

from django import forms

DIALS = ("baseline", "effective_share")
"""Whichever end was typed last leads."""


class DialForm(forms.Form):
    """Both ends, and which of them leads."""

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
        help_text="Weight of the positives at that baseline (p_eff).",
    )
    lead = forms.ChoiceField(
        choices=[(name, name) for name in DIALS],
        initial=DIALS[0],
        required=False,
        widget=forms.HiddenInput(attrs={"data-dial-lead": ""}),
    )
