"""Shapes of what the labs of control are asked, and the addresses of their pages for it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pydantic
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import QueryDict
from ninja import Schema
from pydantic import Field, FiniteFloat

from algorithms.base import UserError
from webapp.jobs.models import Job
from webapp.labs.cells import Problems, number_texts
from webapp.labs.correction_page import CDSA, PREFIX
from webapp.labs.score_look import Opened
from webapp.schema_forms import form_values

Dimension = int | str
"""A coordinate of (s, a) as the network sees it: its place from 0, or its name."""


class FieldIn(Schema):
    """A score network, a plane through (s, a), and a noise level."""

    score: int | None = None
    """Job of the network; empty takes the newest."""
    x: Dimension = 0
    y: Dimension = 1
    row: int | None = Field(None, ge=0)
    """Row of the data that the plane goes through; empty takes the data's medians."""
    values: dict[str, FiniteFloat] = {}
    """What other coordinates are held at, by name, in the environment's units."""
    level: int | None = Field(None, ge=0)
    """Which of the network's noise levels, from 0, the largest; empty takes that nearest 0.2."""
    units: Literal["raw", "normalised"] = "raw"


class CorrectionIn(Schema):
    """One state whose action is corrected, and by what."""

    policy: int | None = None
    """Job of the policy; empty takes the newest on the networks' data."""
    stage: str = Field("", max_length=40)
    """Of a policy trained online: its stage; of several side by side: the seed."""
    score: int | None = None
    """Job of the score network; empty takes the newest."""
    inverse_dynamics: int | None = None
    """Job of the inverse dynamics model; empty takes the newest on the same data."""
    state_score: int | None = None
    """Job of a score network of states alone, for the densities state and both."""
    row: int | None = Field(None, ge=0)
    """Row of the data whose state it is; empty with an observation."""
    observation: list[FiniteFloat] = []
    """The state itself, in the environment's units."""
    action: list[FiniteFloat] = []
    """The action to correct, in the environment's units; empty asks the policy."""
    ood_level: float = Field(0.2, ge=0.0001, le=100)
    """Noise level of the indicator of actions outside the data."""
    settings: dict[str, Any] = {}
    """Of the correction; what is left out takes its default."""


class GroundIn(Schema):
    """Two evaluations on the same reset seeds; empty takes the newest correction and its policy."""

    before: int | None = None
    """Job of an evaluation."""
    after: int | None = None
    """Job of another one; null where only one is asked for."""
    episodes: int = Field(8, ge=1, le=40)
    """The first ones of each."""


def field_query(asked: FieldIn, opened: Opened) -> QueryDict:
    """Return the address of the score-field page that shows what is asked.

    Raises:
        ValidationError: the network has no such coordinate.
    """
    names = list(opened.coordinates.names)
    errors: dict[str, list[str]] = {}

    def place(name: Dimension, path: str) -> str:
        if isinstance(name, int) and 0 <= name < len(names):
            return str(name)
        if name in names:
            return str(names.index(str(name)))
        errors[path] = [f"The network has no coordinate {name!r}. It has: {', '.join(names)}."]
        return "0"

    told = {
        "x": place(asked.x, "x"),
        "y": place(asked.y, "y"),
        "held": "median" if asked.row is None else "row",
        "row": str(asked.row or 0),
        "units": asked.units,
    }
    for name, value in asked.values.items():
        told[f"v{place(name, f'values.{name}')}"] = repr(value)
    if asked.level is not None:
        told["level"] = str(asked.level)
    if errors:
        raise ValidationError(errors)
    return query(told)


def correction_query(asked: CorrectionIn) -> QueryDict:
    """Return the address of the correction page that shows what is asked.

    Raises:
        ValidationError: a setting of the correction is not valid.
    """
    try:
        settings = CDSA.params.model_validate(asked.settings)
    except pydantic.ValidationError as failure:
        raise ValidationError(
            {
                ".".join(map(str, ("settings", *one["loc"]))): [one["msg"]]
                for one in failure.errors()
            }
        ) from failure
    jobs = {
        "policy": asked.policy, "score": asked.score, "inverse": asked.inverse_dynamics,
        "state_score": asked.state_score,
    }  # fmt: skip
    told = {name: str(pk) for name, pk in jobs.items() if pk is not None}
    typed = bool(asked.observation)
    told |= {
        "stage": asked.stage,
        "at": "typed" if typed else "row",
        "row": str(asked.row or 0),
        "state": number_texts(asked.observation),
        "action": number_texts(asked.action),
        "ood_level": repr(asked.ood_level),
        **form_values(CDSA.params, settings, prefix=PREFIX),
    }
    return query(told)


def ground_query(asked: GroundIn) -> QueryDict:
    """Return the address of the PointMass page that shows what is asked."""
    told = {"episodes": str(asked.episodes)}
    if asked.before is not None:
        told["before"] = str(asked.before)
    if "after" in asked.model_fields_set:
        told["after"] = "" if asked.after is None else str(asked.after)
    return query(told)


def query(told: Mapping[str, str]) -> QueryDict:
    """Return values as a page gets them."""
    found = QueryDict(mutable=True)
    for name, value in told.items():
        found[name] = value
    return found


def require_among(jobs: Iterable[Job], asked: int | None, path: str, what: str) -> None:
    """Let jobs through that a page would offer.

    Raises:
        ValidationError: there is no such job; pages take the newest one instead.
    """
    if asked is not None and asked not in {job.pk for job in jobs}:
        raise ValidationError(
            {path: f"Job {asked} is no finished {what}, or its artifact is gone."}
        )


def require_sound(forms: Iterable[Form], problems: Problems, paths: Mapping[str, str]) -> None:
    """Let a page through that shows what it was asked for.

    Args:
        paths: what the API calls fields that pages call otherwise.

    Raises:
        ValidationError: a field is wrong.
        UserError: what was chosen does not fit together.
    """
    errors = {
        paths.get(name, name): [str(message) for message in messages]
        for form in forms
        for name, messages in form.errors.items()
    }
    if errors:
        raise ValidationError(errors)
    if problems:
        told = (sentence for each in problems.by_target.values() for sentence in each)
        raise UserError(" ".join(told))
