"""Transitions without a region of the state space: asked for, looked at beforehand, made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic import ValidationError as Invalid

from algorithms.base import UserError
from algorithms.control_data.selection import in_region, without_region
from algorithms.control_data.transitions import Transitions
from algorithms.control_derived_specs import LeaveOutSpec
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.services import create_dataset, require_name
from webapp.datasets.transitions import content
from webapp.datasets.transitions.pages import dimensions_of
from webapp.datasets.transitions.provenance import words_of
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Artifact
from webapp.jobs.services import jobs_ensure

KIND = "leave_out"


@dataclass(frozen=True)
class Axis:
    """One observation dimension, as the form shows it."""

    place: int
    name: str
    smallest: float
    """In the data."""
    largest: float
    low: str
    """As typed."""
    high: str
    errors: Sequence[str] = ()


@dataclass(frozen=True)
class Left:
    """What a region would leave of a data set."""

    steps: int
    """Of the data set."""
    gone: int
    """In the region."""
    episodes: int
    """Of the data set."""
    cut: int
    """That lose a step."""
    pieces: int
    """Episodes that there are afterwards."""

    @property
    def share(self) -> float:
        """Of the steps that are left out."""
        return self.gone / self.steps


def data_of(dataset: Dataset) -> Transitions:
    """Return the stored transitions of a data set, mapped from disk.

    Raises:
        UserError: there are none yet, or they cannot be read.
    """
    artifact: Artifact | None = getattr(dataset.job, "artifact", None)
    if artifact is None:
        raise UserError(
            f"“{dataset}” has no transitions yet: job {dataset.job_id} is {dataset.job.state}."
        )
    return content.transitions_of(artifact)


def axes_of(data: Transitions, typed: Mapping[str, str]) -> list[Axis]:
    """Return the dimensions of a data set's observations with what was typed for them."""
    names = dimensions_of(data.environment, data.observations.shape[1])
    low, high = data.observations.min(axis=0), data.observations.max(axis=0)
    found = []
    for place, name in enumerate(names):
        start, end = (typed.get(f"{side}-{place}", "").strip() for side in ("low", "high"))
        wrong = [text for text in (start, end) if text and _number(text) is None]
        errors = [f"{text} is no number." for text in wrong]
        reach = float(low[place]), float(high[place])
        found.append(Axis(place, name, *reach, start, end, errors))
    return found


def spec_of(axes: Iterable[Axis], touching: str) -> LeaveOutSpec:
    """Return the region that is typed.

    Raises:
        UserError: nothing is typed, or what is typed is no region.
    """
    region: list[dict[str, Any]] = []
    for axis in axes:
        if axis.errors:
            raise UserError(f"{axis.name}: {axis.errors[0]}")
        if axis.low or axis.high:
            ends = {"low": _number(axis.low), "high": _number(axis.high)}
            region.append({"dimension": axis.place, **ends})
    if not region:
        raise UserError("Type a smallest or a largest value of at least one dimension.")
    try:
        return LeaveOutSpec.model_validate({"region": region, "touching": touching})
    except Invalid as error:
        first = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"This is no region: {first}.") from error


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def left_of(data: Transitions, spec: LeaveOutSpec) -> Left:
    """Return what a region would leave; the job leaves exactly that.

    Raises:
        UserError: it would leave everything or nothing, or names a dimension that is not there.
    """
    inside = in_region(data, spec)
    left = without_region(data, spec)
    cut = int(np.logical_or.reduceat(inside, data.starts).sum())
    return Left(len(data), int(inside.sum()), len(data.ends), cut, len(left.ends))


@transaction.atomic
def transitions_leave_out(
    *,
    owner: User,
    name: str,
    dataset: Dataset,
    spec: LeaveOutSpec,
    description: str = "",
    label: str = "cpu",
) -> Dataset:
    """Return a data set of transitions without the steps in a region, which a job makes.

    Raises:
        UserError: the data set is no data set of transitions, or they are gone.
        ValidationError: the name does not do, it names exactly these transitions already, or
            observations do not have such a dimension.
    """
    if dataset.family != "transitions":
        raise UserError(f"“{dataset}” holds prompts: a region is of the states of transitions.")
    require_name(owner, name)
    size = getattr(getattr(dataset.job, "artifact", None), "summary", {}).get("observation_size")
    beyond = [each.dimension for each in spec.region if size and each.dimension >= size]
    if beyond:
        message = f"Dimension {beyond[0]}: observations have {size}, numbered from 0."
        raise ValidationError({"region": message})
    node = Node(
        kind=KIND,
        spec=spec,
        title=f"Leave out a region: {name.strip()}"[:200],
        inputs={"transitions": Given(dataset.job.fingerprint)},
        label=label,
    )
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    origin = origin_of_region(spec, str(dataset))
    return create_dataset(owner=owner, name=name, job=job, description=description, origin=origin)


def origin_of_region(spec: LeaveOutSpec, of: str) -> str:
    """Return what was left out of which data set, in words."""
    return f"{of} without {words_of(spec.model_dump(mode='json'))}"[:200]
