"""Shapes of what the labs are asked."""

from collections.abc import Sequence
from typing import Any

import pydantic
from django.core.exceptions import ValidationError
from ninja import Schema

from algorithms.catalogue import ALGORITHMS
from webapp.labs.services import Chosen


class ChoiceIn(Schema):
    """An algorithm with settings, and what it is called."""

    algorithm: str
    label: str = ""
    params: dict[str, Any] = {}
    """What is left out takes the algorithm's default."""


def chosen_of(choices: Sequence[ChoiceIn]) -> list[Chosen]:
    """Return the choices with complete hyperparameters.

    Raises:
        ValidationError: an algorithm is unknown or a hyperparameter wrong, by path.
    """
    found, errors = [], {}
    for place, choice in enumerate(choices):
        if choice.algorithm not in ALGORITHMS:
            known = ", ".join(sorted(ALGORITHMS))
            message = f"There is no algorithm {choice.algorithm}. Known: {known}."
            errors[f"algorithms.{place}.algorithm"] = [message]
            continue
        try:
            params = ALGORITHMS[choice.algorithm].params.model_validate(choice.params)
        except pydantic.ValidationError as failure:
            for one in failure.errors():
                path = ".".join(map(str, ("algorithms", place, "params", *one["loc"])))
                errors[path] = [one["msg"].removeprefix("Value error, ")]
        else:
            found.append(Chosen(choice.algorithm, choice.label or choice.algorithm, params))
    if errors:
        raise ValidationError(errors)
    return found
