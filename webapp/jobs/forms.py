"""Forms about jobs."""

from django import forms


class PriorityForm(forms.Form):
    """A place in the queue."""

    priority = forms.IntegerField(
        min_value=-100, max_value=100, help_text="Higher runs earlier; 0 is ordinary."
    )
