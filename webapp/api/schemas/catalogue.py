"""Shapes of datasets, policies, algorithms and presets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ninja import Schema

from algorithms.base import LLMAlgorithm
from webapp.api.schemas.jobs import summary_of
from webapp.catalogue.known import Algorithm, kind_of
from webapp.catalogue.models import Preset
from webapp.datasets.models import Dataset
from webapp.policies.models import Policy


class DatasetOut(Schema):
    """Prompts with reference answers, or transitions."""

    id: int
    name: str
    family: str
    """prompts or transitions."""
    version: int
    description: str
    origin: str
    owner: str
    created_at: datetime
    job_id: int
    state: str
    """State of the job that makes its rows."""
    summary: dict[str, Any]
    """Rows per split, or figures of the transitions, once they are there."""


def dataset_out(dataset: Dataset) -> DatasetOut:
    """Return a dataset as the API shows it."""
    return DatasetOut(
        id=dataset.pk,
        name=dataset.name,
        family=dataset.family,
        version=dataset.version,
        description=dataset.description,
        origin=dataset.origin,
        owner=dataset.owner.get_username(),
        created_at=dataset.created_at,
        job_id=dataset.job_id,
        state=dataset.job.state,
        summary=summary_of(dataset.job),
    )


class PolicyOut(Schema):
    """A model that can act."""

    id: int
    name: str
    family: str
    """language or control."""
    description: str
    owner: str
    created_at: datetime
    job_id: int
    kind: str
    """policy: built or imported; train: what a training ended with, or kept on its way."""
    checkpoint: int | None
    """Updates after which the training kept it; empty for what it ended with."""
    state: str
    summary: dict[str, Any]


def policy_out(policy: Policy) -> PolicyOut:
    """Return a policy as the API shows it."""
    return PolicyOut(
        id=policy.pk,
        name=policy.name,
        family=policy.family,
        description=policy.description,
        owner=policy.owner.get_username(),
        created_at=policy.created_at,
        job_id=policy.job_id,
        kind=policy.job.kind,
        checkpoint=policy.checkpoint,
        state=policy.job.state,
        summary=summary_of(policy.job),
    )


class AlgorithmOut(Schema):
    """An algorithm of the catalogue."""

    name: str
    title: str
    paper: str
    summary: str
    formula: str
    family: str
    """Chapter of the gallery."""
    kind: str
    """language, control, or correction (of actions, when a policy acts)."""
    trains_on: str
    """rollouts, references or transitions; empty for a correction."""
    version: int
    defaults: dict[str, Any]
    presets: dict[str, dict[str, Any]]
    """Named settings of the paper."""
    params_schema: dict[str, Any]
    """JSON schema of its hyperparameters."""


def algorithm_out(name: str, algorithm: Algorithm) -> AlgorithmOut:
    """Return an algorithm as the API shows it."""
    presets: Mapping[str, Mapping[str, Any]] = algorithm.presets
    return AlgorithmOut(
        name=name,
        title=algorithm.title,
        paper=algorithm.paper,
        summary=algorithm.summary,
        formula=algorithm.formula,
        family=algorithm.family,
        kind=kind_of(algorithm),
        trains_on=_trains_on(algorithm),
        version=algorithm.version,
        defaults=algorithm.params().model_dump(mode="json"),
        presets={title: dict(values) for title, values in presets.items()},
        params_schema=algorithm.params.model_json_schema(),
    )


def _trains_on(algorithm: Algorithm) -> str:
    if isinstance(algorithm, LLMAlgorithm):
        return algorithm.trains_on
    return "transitions" if kind_of(algorithm) == "control" else ""


class PresetOut(Schema):
    """A saved choice of hyperparameters."""

    id: int
    name: str
    algorithm: str
    params: dict[str, Any]
    notes: str
    owner: str
    updated_at: datetime


def preset_out(preset: Preset) -> PresetOut:
    """Return a preset as the API shows it."""
    return PresetOut(
        id=preset.pk,
        name=preset.name,
        algorithm=preset.algorithm,
        params=preset.params,
        notes=preset.notes,
        owner=preset.owner.get_username(),
        updated_at=preset.updated_at,
    )
