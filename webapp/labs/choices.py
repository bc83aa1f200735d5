"""The algorithms chosen on a lab's page, each with a name and hyperparameters of its own.

In a form or address, `choice` lists the keys in order; `a{key}-algorithm` and `a{key}-label` tell
what each is, `a{key}p-...` its hyperparameters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from algorithms.catalogue import ALGORITHMS
from algorithms.labs.presets import Choice
from webapp.experiments.offers import Offer, OfferGroup, find_offer, offer_groups, short_name
from webapp.labs.services import MAX_CHOICES, Chosen
from webapp.schema_forms import SchemaForm, differences, form_values, schema_form


@dataclass(frozen=True)
class ChoiceRow:
    """One chosen algorithm as typed."""

    key: str
    algorithm: str
    label: str
    form: SchemaForm
    variant: int = 0
    """How many rows before it are of the same algorithm."""

    @property
    def title(self) -> str:
        """What the algorithm is called in full."""
        return ALGORITHMS[self.algorithm].title

    @property
    def changed(self) -> list[tuple[str, str]]:
        """Hyperparameters that are not the defaults; none while they are invalid."""
        if not self.form.is_valid():
            return []
        return differences(self.form.schema, self.form.cleaned_schema())

    @property
    def chosen(self) -> Chosen | None:
        """The choice; None while its hyperparameters are invalid."""
        if not self.form.is_valid():
            return None
        return Chosen(self.algorithm, self.label, self.form.cleaned_schema())


def choice_rows(data: QueryDict) -> list[ChoiceRow]:
    """Return the rows of an address; keys that name no installed algorithm are dropped."""
    rows: list[ChoiceRow] = []
    for key in choice_keys(data)[:MAX_CHOICES]:
        algorithm = data.get(f"a{key}-algorithm", "")
        if algorithm in ALGORITHMS:
            form = schema_form(ALGORITHMS[algorithm].params, prefix=f"a{key}p")(data)
            label = data.get(f"a{key}-label", "").strip()[:80] or short_name(algorithm)
            variant = sum(row.algorithm == algorithm for row in rows)
            rows.append(ChoiceRow(key, algorithm, label, form, variant))
    return rows


def choice_keys(data: QueryDict) -> list[str]:
    """Return the keys in the order of the page; what is no key is dropped."""
    found = (key for key in data.getlist("choice") if key.isascii() and key.isdecimal())
    return list(dict.fromkeys(key for key in found if len(key) <= 6))


def added_row(data: QueryDict) -> ChoiceRow:
    """Return one more row, for the offer that `add` names.

    Raises:
        UserError: the preset was deleted or the algorithm is not installed.
    """
    offer: Offer = find_offer(data.get("add", ""))
    key = str(max((int(key) for key in choice_keys(data)), default=-1) + 1)
    filled = QueryDict(mutable=True)
    put_choice(filled, key, Choice(offer.algorithm, offer.label, offer.params))
    [row] = choice_rows(filled)
    same = sum(data.get(f"a{other}-algorithm") == row.algorithm for other in choice_keys(data))
    return ChoiceRow(row.key, row.algorithm, row.label, row.form, same)


def put_choices(data: QueryDict, choices: Iterable[Choice]) -> None:
    """Write choices into an address; those whose algorithm is not installed are left out."""
    known = (choice for choice in choices if choice.algorithm in ALGORITHMS)
    for key, choice in enumerate(known):
        put_choice(data, str(key), choice)


def put_choice(data: QueryDict, key: str, choice: Choice) -> None:
    """Write one choice into an address."""
    data.appendlist("choice", key)
    data[f"a{key}-algorithm"] = choice.algorithm
    data[f"a{key}-label"] = choice.label
    values: Mapping[str, Any] = choice.params
    schema = ALGORITHMS[choice.algorithm].params
    for name, text in form_values(schema, values, prefix=f"a{key}p").items():
        data[name] = text


def offers() -> list[OfferGroup]:
    """Return what can be added; one query."""
    return offer_groups()
