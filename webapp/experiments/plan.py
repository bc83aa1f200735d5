"""What a recipe makes of a config: runs and their nodes, before anything is a row; pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from webapp.experiments.axes import AxisValue
from webapp.experiments.config import ExperimentConfig
from webapp.jobs.graph import Node, closure

OWN_ROLES = ("train", "evaluate")
"""Roles whose jobs belong to one run; the jobs of other roles serve several."""
BENCHMARK = "evaluate:"
"""Start of the role of a further evaluation; the dataset's id follows."""


def is_own(role: str) -> bool:
    """Return whether the job of a role belongs to one run."""
    return role in OWN_ROLES or role.startswith(BENCHMARK)


@dataclass(frozen=True)
class Sources:
    """Fingerprints of the jobs behind what a config names by id."""

    datasets: Mapping[int, str]
    policies: Mapping[int, str]
    rollouts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunPlan:
    """One run: a compared group, a seed, and the nodes it needs by role."""

    label: str
    algorithm: str
    seed: int
    axes: Mapping[str, AxisValue]
    nodes: Mapping[str, Node]

    @property
    def identity(self) -> tuple[str, int, tuple[tuple[str, str], ...]]:
        """What makes two runs the same: label, seed and the fingerprints by role."""
        return (
            self.label,
            self.seed,
            tuple(sorted((role, node.fingerprint) for role, node in self.nodes.items())),
        )

    @property
    def specs(self) -> dict[str, Any]:
        """The frozen configuration: specs of its nodes by role, as JSON."""
        return {role: node.spec.model_dump(mode="json") for role, node in self.nodes.items()}


@dataclass(frozen=True)
class Plan:
    """Every run of an experiment."""

    runs: tuple[RunPlan, ...]

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every job that is needed, once, inputs before what needs them."""
        return tuple(closure([node for run in self.runs for node in run.nodes.values()]))

    @cached_property
    def jobs_by_kind(self) -> Counter[str]:
        """Number of jobs of each kind."""
        return Counter(node.kind for node in self.nodes)


@dataclass(frozen=True)
class Recipe:
    """One kind of pipeline."""

    title: str
    summary: str
    plan: Callable[[ExperimentConfig, Sources], Plan]
