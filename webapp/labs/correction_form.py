"""What the correction page asks beside the settings of the correction."""

from django import forms


class StateForm(forms.Form):
    """Policy, networks, and the state whose action is corrected."""

    policy = forms.ChoiceField(label="Policy", required=False)
    stage = forms.CharField(
        label="Stage or seed",
        required=False,
        max_length=40,
        help_text="Of a policy trained online: its stage; of several side by side: the seed.",
    )
    score = forms.ChoiceField(label="Score network")
    inverse = forms.ChoiceField(label="Inverse dynamics", required=False)
    state_score = forms.ChoiceField(
        label="Score of states alone", required=False, help_text="For density state or both."
    )
    at = forms.ChoiceField(
        label="State", choices=[("row", "a row of the data"), ("typed", "typed")]
    )
    row = forms.IntegerField(label="Row", min_value=0, required=False)
    state = forms.CharField(label="Typed state", required=False, max_length=4000)
    action = forms.CharField(
        label="Action to correct",
        required=False,
        max_length=2000,
        help_text="In the environment's units; empty asks the policy.",
    )
    ood_level = forms.FloatField(
        label="σ of the indicator", min_value=0.0001, max_value=100, widget=forms.NumberInput
    )
    sx = forms.ChoiceField(label="Across")
    sy = forms.ChoiceField(label="Up")
    ax = forms.ChoiceField(label="Across")
    ay = forms.ChoiceField(label="Up")
