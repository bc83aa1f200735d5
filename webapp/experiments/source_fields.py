"""Sources that a recipe's own settings name by id: found by the ends of their names; offered by
name in the form.
"""

from collections.abc import Callable, Mapping

from django import forms

from webapp.curation.selectors import trainable_jobs, trainable_name
from webapp.policies.selectors import policies
from webapp.schema_forms import SEPARATOR, SchemaForm

Choices = list[tuple[str, str]]


def _rollouts() -> Choices:
    return [(str(job.pk), trainable_name(job)) for job in trainable_jobs()]


def _policies() -> Choices:
    return [(str(row.pk), str(row)) for row in policies(family="language").defer("job__spec")]


OFFERS: Mapping[str, Callable[[], Choices]] = {"rollouts_id": _rollouts, "policy_id": _policies}
"""What a setting offers whose name ends in this."""


def offer_sources(form: SchemaForm) -> SchemaForm:
    """Return the form with the ids of sources as choices among what there is; a query for each
    kind of source that it asks for.
    """
    known: dict[str, Choices] = {}
    for name, field in form.fields.items():
        stem = next((end for end in OFFERS if name.split(SEPARATOR)[-1].endswith(end)), None)
        if stem is None:
            continue
        if stem not in known:
            known[stem] = OFFERS[stem]()
        form.fields[name] = _choice(field, known[stem])
    return form


def _choice(field: forms.Field, choices: Choices) -> forms.Field:
    return forms.TypedChoiceField(
        choices=[("", "none"), *choices],
        coerce=int,
        empty_value=None,
        label=str(field.label).removesuffix(" id"),
        help_text=field.help_text,
        initial=field.initial,
        required=field.required,
    )
