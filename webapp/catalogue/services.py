"""Saving, changing and deleting presets."""

from collections.abc import Mapping
from typing import Any

import pydantic
from django.core.exceptions import ValidationError
from django.db import transaction

from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.catalogue.known import KNOWN
from webapp.catalogue.models import Preset


@transaction.atomic
def preset_create(
    *, owner: User, name: str, algorithm: str, params: Mapping[str, Any], notes: str = ""
) -> Preset:
    """Return a saved choice of hyperparameters, completed with the algorithm's defaults.

    Raises:
        ValidationError: the name is taken, the algorithm unknown (`algorithm`), or a
            hyperparameter out of range (`params.<name>`).
    """
    preset = Preset(owner=owner, algorithm=algorithm)
    return _save(preset, name=name, params=params, notes=notes)


@transaction.atomic
def preset_update(
    *, preset: Preset, user: User, name: str, params: Mapping[str, Any], notes: str = ""
) -> Preset:
    """Return the preset with a new name, hyperparameters and notes.

    Experiments keep the hyperparameters that they were launched with.

    Raises:
        PermissionDenied: it belongs to someone else.
        ValidationError: as for `preset_create`.
    """
    require_owner(user, preset)
    return _save(preset, name=name, params=params, notes=notes)


@transaction.atomic
def preset_delete(*, preset: Preset, user: User) -> None:
    """Delete a preset; experiments have their own copy of its hyperparameters.

    Raises:
        PermissionDenied: it belongs to someone else.
    """
    require_owner(user, preset)
    preset.delete()


def _save(preset: Preset, *, name: str, params: Mapping[str, Any], notes: str) -> Preset:
    preset.name = " ".join(name.split())
    preset.params = _complete(preset.algorithm, params)
    preset.notes = notes
    # The algorithm's schema has judged params; an empty dict is right where it has none.
    preset.full_clean(exclude=["params"])
    preset.save()
    return preset


def _complete(algorithm: str, params: Mapping[str, Any]) -> dict[str, Any]:
    if algorithm not in KNOWN:
        known = ", ".join(sorted(KNOWN))
        message = f"There is no algorithm {algorithm}. Known: {known}."
        raise ValidationError({"algorithm": message})
    try:
        return KNOWN[algorithm].params.model_validate(dict(params)).model_dump(mode="json")
    except pydantic.ValidationError as error:
        errors: dict[str, list[str]] = {}
        for item in error.errors():
            path = ".".join(map(str, ("params", *item["loc"])))
            errors.setdefault(path, []).append(item["msg"].removeprefix("Value error, "))
        raise ValidationError(errors) from error
