"""Forms of the labs beside their tables and algorithms."""

from django import forms

from algorithms.labs.bandit import Bandit
from webapp.schema_fields import form_field
from webapp.schema_forms import default_of

DIALS = ("baseline", "effective_share")
"""Two ends of one dial; whichever was typed last leads."""


class DialForm(forms.Form):
    """The baseline c and the share of positives that it is worth."""

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
        widget=forms.HiddenInput(attrs={"data-dial-lead": ""}),
    )


class BanditForm(forms.Form):
    """What is told of a bandit beside its arms; labels, help and ranges are the schema's."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed through as they are
        for name in ("start", "step_size", "updates"):
            info = Bandit.model_fields[name]
            self.fields[name] = form_field(name, info, default_of(info))
