"""What a file of an experiment may say: sources by what makes them, and a config that names them.

docs/how-to/yaml.md shows one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from algorithms.base import Schema
from algorithms.control_specs import (
    CollectSpec,
    ImportPolicySpec,
    TrainBehaviourSpec,
    TransitionsSpec,
)
from algorithms.sources import DatasetSource, ModelSource
from algorithms.specs import KINDS, TrainSpec

SourceName = Annotated[str, Field(min_length=1, max_length=120)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _one_of(entry: Schema, *names: str) -> None:
    if sum(getattr(entry, name) is not None for name in names) != 1:
        raise ValueError(f"give one of {', '.join(names[:-1])} and {names[-1]}")


class DatasetEntry(Schema):
    """A dataset, by where its rows come from."""

    source: Annotated[DatasetSource, Field(discriminator="source")] | None = None
    """Generator, path, hub or public set."""
    upload: Hash | None = None
    """SHA-256 of rows that a person uploaded: they are not in the file, only known again."""
    collect: CollectSpec | None = None
    """Of control: behaviour policies that need no other job play an environment."""
    transitions: TransitionsSpec | None = None
    """Of control: a file on the worker's disk, or a Minari data set."""
    job: str | None = None
    """Of control: a collect, transitions or leave_out job of this file, where they have inputs."""
    description: str = ""
    """For people."""

    @model_validator(mode="after")
    def _one_origin(self) -> "DatasetEntry":
        _one_of(self, "source", "upload", "collect", "transitions", "job")
        return self


class WarmStart(TrainSpec):
    """Supervised training that makes a policy of its source."""

    algorithm: str = "sft"
    """File name of an algorithm that learns from reference answers."""
    dataset: str = ""
    """Dataset, by its name in this file; empty takes the only one."""

    @property
    def spec(self) -> TrainSpec:
        """What its job is told."""
        return TrainSpec(**{name: getattr(self, name) for name in TrainSpec.model_fields})


class PolicyEntry(Schema):
    """A policy, by what makes it."""

    source: Annotated[ModelSource, Field(discriminator="source")] | None = None
    """Random weights, a folder, the hub, a GGUF file or a package."""
    warm_start: WarmStart | None = None
    """Training of the source; the policy is then the trained model."""
    control_policy: ImportPolicySpec | None = None
    """Of control: a scripted policy, or a file of somebody else's."""
    train_behaviour: TrainBehaviourSpec | None = None
    """Of control: a policy that learns online."""
    job: str | None = None
    """A job of this file, for policies with a longer history."""
    description: str = ""
    """For people."""

    @model_validator(mode="after")
    def _one_origin(self) -> "PolicyEntry":
        _one_of(self, "source", "control_policy", "train_behaviour", "job")
        if self.warm_start is not None and self.source is None:
            raise ValueError("a warm start needs a source")
        return self


class RolloutsEntry(Schema):
    """Graded completions that are learnt from as they are."""

    job: str
    """A grade or curate job of this file."""


class JobEntry(Schema):
    """A job of the build graph, where a source has a longer history."""

    kind: str
    """Such as train or grade."""
    spec: Mapping[str, Any] = {}
    """What it is told; what is left out takes its default."""
    inputs: Mapping[str, str] = {}
    """Role to job of this file."""

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"there is no job kind {kind}; known: {', '.join(KINDS)}")
        return kind


class Document(Schema):
    """An experiment that travels."""

    format: Literal["offpolicy-lab/experiment/1"] = "offpolicy-lab/experiment/1"
    """Says what the file is; the number grows when old readers could misread a file."""
    name: str = Field("", max_length=160)
    """Name of the experiment."""
    question: str = ""
    """What it should answer."""
    tags: tuple[str, ...] = ()
    """To find it by."""
    datasets: Mapping[SourceName, DatasetEntry] = {}
    """Datasets by the names that the config uses."""
    policies: Mapping[SourceName, PolicyEntry] = {}
    """Policies by the names that the config uses."""
    rollouts: Mapping[SourceName, RolloutsEntry] = {}
    """Sets of graded completions by the names that the config uses."""
    jobs: Mapping[str, JobEntry] = {}
    """What policies and rollouts were made by."""
    config: Mapping[str, Any]
    """The config of a recipe with names instead of ids: `dataset` for `dataset_id`."""
