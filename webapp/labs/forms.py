"""Forms of the labs beside their tables and algorithms."""

from django import forms

from algorithms.labs.bandit import Bandit
from webapp.schema_fields import form_field
from webapp.schema_forms import default_of


class BanditForm(forms.Form):
    """What is told of a bandit beside its arms; labels, help and ranges are the schema's."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed through as they are
        for name in ("start", "step_size", "updates"):
            info = Bandit.model_fields[name]
            self.fields[name] = form_field(name, info, default_of(info))
