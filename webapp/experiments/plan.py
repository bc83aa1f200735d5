"""What a recipe makes of a config: runs and their nodes, before anything is a row; pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic_core import InitErrorDetails

from algorithms.base import Schema
from algorithms.online.settings import Schedule
from webapp.experiments.axes import AxisValue, SourceNames
from webapp.experiments.config_base import Family
from webapp.jobs.graph import Node, closure

RECIPE_KEY = "recipe"
"""Where a run's frozen configuration holds its recipe, beside the roles."""


class NoSettings(Schema):
    """A recipe without settings of its own."""


@dataclass(frozen=True)
class Sources:
    """Fingerprints of the jobs behind what a config names by id."""

    datasets: Mapping[int, str]
    policies: Mapping[int, str]
    rollouts: Mapping[int, str] = field(default_factory=dict)
    names: SourceNames = field(default_factory=dict)
    """What labels call them."""


@dataclass(frozen=True)
class RunPlan:
    """One run: a compared group, a seed, and the nodes it needs by role."""

    label: str
    algorithm: str
    seed: int
    axes: Mapping[str, AxisValue]
    nodes: Mapping[str, Node]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Name and settings of the recipe; empty where it has none or trains nothing."""

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
        """The frozen configuration: specs of its nodes by role, and its recipe, as JSON."""
        specs = {role: node.spec.model_dump(mode="json") for role, node in self.nodes.items()}
        return specs | ({RECIPE_KEY: dict(self.recipe)} if self.recipe else {})


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


Schedules = Mapping[str, tuple[Schedule, int | None]]


@dataclass(frozen=True)
class Recipe:
    """One kind of pipeline, in a file of its own that defines `RECIPE`."""

    title: str
    summary: str
    """What happens, in one or two sentences."""
    plan: Callable[[Any, Sources], Plan]
    """`plan(config, sources)`, of a config of its family."""
    family: Family = "language"
    settings: type[Schema] = NoSettings
    """Its own settings: `ExperimentConfig.recipe_settings`, and axes named `recipe.<field>`."""
    problems: Callable[[Any], Sequence[InitErrorDetails]] = lambda _: ()
    """What it cannot do with a config, each at the path of a field."""
    notes: Callable[[Any], Sequence[str]] = lambda _: ()
    """Sentences to read before a launch."""
    figures: tuple[str, ...] = ("greedy_accuracy", "pass_at_1", "invalid_share")
    """Final figures of a run that the experiment's page shows, names of `OUTCOME_METRICS`; of
    policies kept on the way the second one."""
    schedules: Callable[[Any], Schedules] | None = None
    """Schedules of generation and training that are drawn before a launch, and how many updates
    each is for, None where the data tell; of recipes that have any."""

    @property
    def has_schedules(self) -> bool:
        """Whether there are schedules to draw."""
        return self.schedules is not None
