"""A composition as it was typed: parts and settings that become one CollectSpec, or errors.

In the form, `part` lists the parts' keys in order; the values of a part are named `p{key}-...`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from pydantic import ValidationError

from algorithms.control_data.composition import amounts_of
from algorithms.control_specs import CollectSettings, CollectSpec, Part, PartSettings
from algorithms.environments.table import ENVIRONMENTS, POINT_MASS
from webapp.datasets.transitions.behaviours import (
    Behaviour,
    Chosen,
    compositions,
    grouped,
    offered,
    part_of,
)
from webapp.datasets.transitions.nodes import POLICY_ROLES
from webapp.policies.models import Policy
from webapp.schema_forms import SchemaForm, error_sentence, form_values, schema_form

MAX_PARTS = 8
USUAL_STEPS = 100_000
"""Of a collection at most, where nothing else was asked for; of Risky PointMass its own default."""
START = "expert"
"""The composition that an empty page shows, where it can be made."""


class PartForm(SchemaForm):
    """One part: who acts, and the settings of `PartSettings`."""

    offers: Mapping[str, Behaviour]
    chosen: Behaviour | None = None

    def clean(self) -> dict[str, Any]:
        """Check the settings, and that what is replayed was kept."""
        who = self.offers.get(self.cleaned_data.pop("behaviour", ""))
        cleaned = super().clean()
        if cleaned.get("replay") and who is not None and not who.has_replay:
            self.add_error("replay", "It kept no transitions: train one with keep replay.")
        self.chosen = who
        return cleaned


@dataclass(frozen=True)
class PartRow:
    """One row of the composition."""

    key: str
    form: PartForm
    number: int


class CollectDraft:
    """What was typed so far."""

    def __init__(self, data: QueryDict) -> None:
        environment = data.get("environment", "")
        self.environment = environment if environment in ENVIRONMENTS else POINT_MASS
        self.offers = offered(self.environment)
        self.named = compositions(self.offers)
        keys = data.getlist("part")[:MAX_PARTS]
        self.rows = [self._row(data, key, number) for number, key in enumerate(keys)]
        self.settings = settings_form(data)

    def _row(self, data: QueryDict, key: str, number: int) -> PartRow:
        kind = schema_form(PartSettings, prefix=f"p{key}")
        field = forms.ChoiceField(choices=grouped(self.offers), label="Behaviour")
        attributes = {"behaviour": field, "offers": self.offers}
        attributes |= {"field_order": ["behaviour", "share", "noise"]}
        made: type[PartForm] = type("OnePartForm", (PartForm, kind), attributes)
        return PartRow(key, made(data), number)

    @property
    def environments(self) -> list[tuple[str, str]]:
        """Every environment and its title."""
        return [(name, each.title) for name, each in ENVIRONMENTS.items()]

    @property
    def full(self) -> bool:
        """Whether no part can be added."""
        return len(self.rows) >= MAX_PARTS

    def shares(self) -> list[tuple[PartRow, float, int]]:
        """Return each part with its share of the whole and its amount; none where it is unclear."""
        valid = [row.form.is_valid() for row in self.rows]
        if not valid or not all(valid) or not self.settings.is_valid():
            return []
        each = [float(row.form.cleaned_data["share"]) for row in self.rows]
        amounts = amounts_of(each, int(self.settings.cleaned_data["amount"]))
        whole = sum(each)
        return [
            (row, share / whole, amount)
            for row, share, amount in zip(self.rows, each, amounts, strict=True)
        ]

    def spec(self) -> tuple[CollectSpec, dict[str, Policy]] | None:
        """Return what to collect and the policies by role; None with the errors at their fields."""
        valid = [row.form.is_valid() for row in self.rows]
        if not (self.settings.is_valid() & all(valid)):
            return None
        roles: dict[int, str] = {}
        policies: dict[str, Policy] = {}
        parts: list[Part] = []
        for row in self.rows:
            who = row.form.chosen
            assert who is not None  # the form is valid
            if who.policy is not None and who.policy.pk not in roles:
                if len(roles) == len(POLICY_ROLES):
                    row.form.add_error("behaviour", "A composition has at most three policies.")
                    return None
                roles[who.policy.pk] = POLICY_ROLES[len(roles)]
                policies[roles[who.policy.pk]] = who.policy
            role = roles[who.policy.pk] if who.policy is not None else ""
            parts.append(part_of(who, role, row.form.cleaned_schema().model_dump()))
        values = self.settings.cleaned_schema().model_dump()
        return self._whole(values | {"environment": self.environment, "parts": parts}, policies)

    def _whole(
        self, values: Mapping[str, Any], policies: dict[str, Policy]
    ) -> tuple[CollectSpec, dict[str, Policy]] | None:
        if not values["parts"]:
            self.settings.add_error(None, "Add at least one part: who acts.")
            return None
        try:
            return CollectSpec.model_validate(values), policies
        except ValidationError as failure:
            for error in failure.errors():
                self.settings.add_error(None, error_sentence(error, CollectSpec, ""))
            return None


def settings_form(data: QueryDict | None) -> SchemaForm:
    """Return the form of everything but the parts and the environment."""
    return schema_form(CollectSettings)(data)


def acted(data: QueryDict, act: str) -> QueryDict:
    """Return the form after one of its buttons.

    Args:
        act: `add`, `remove-<key>`, `compose-<name>`, or `environment` after another was chosen.
    """
    changed = data.copy()
    keys = data.getlist("part")
    verb, _, what = act.partition("-")
    if verb == "add" and len(keys) < MAX_PARTS:
        key = str(max((int(each) for each in keys if each.isdecimal()), default=-1) + 1)
        _put(changed, [*keys, key], key, Chosen("random"))
    elif verb == "remove":
        changed.setlist("part", [each for each in keys if each != what])
    elif verb == "compose":
        _compose(changed, CollectDraft(data).named.get(what, ()))
    elif verb == "environment":
        draft = CollectDraft(data)
        _compose(changed, draft.named.get(START, next(iter(draft.named.values()))))
        _follow(changed, data.get("environment_before", ""), draft.environment)
    return changed


def _follow(data: QueryDict, before: str, environment: str) -> None:
    """Collect as much as is usual in another environment, unless an amount was typed."""
    if before not in ENVIRONMENTS or data.get("unit") != CollectSettings().unit:
        return
    if data.get("amount") == str(_usual_amount(before)):
        data["amount"] = str(_usual_amount(environment))


def fresh(environment: str, composition: str = "") -> QueryDict:
    """Return the form with its defaults and a composition to start from."""
    data = QueryDict(mutable=True)
    data["environment"] = environment if environment in ENVIRONMENTS else POINT_MASS
    amount = _usual_amount(data.get("environment", ""))
    data.update(form_values(CollectSettings, {"amount": amount}))
    named = CollectDraft(data).named
    chosen = named.get(composition) or named.get(START) or next(iter(named.values()))
    _compose(data, chosen)
    return data


def _usual_amount(environment: str) -> int:
    """Return how many episodes are collected where nothing was typed: as many steps everywhere."""
    if environment == POINT_MASS:
        return CollectSettings().amount
    return max(1, USUAL_STEPS // ENVIRONMENTS[environment].horizon)


def _compose(data: QueryDict, parts: Sequence[Chosen]) -> None:
    data.setlist("part", [])
    for number, chosen in enumerate(parts):
        _put(data, [str(each) for each in range(number + 1)], str(number), chosen)


def _put(data: QueryDict, keys: list[str], key: str, chosen: Chosen) -> None:
    data.setlist("part", keys)
    for name in [name for name in data if name.startswith(f"p{key}-")]:
        del data[name]
    data[f"p{key}-behaviour"] = chosen.behaviour
    data.update(form_values(PartSettings, chosen.values(), prefix=f"p{key}"))
