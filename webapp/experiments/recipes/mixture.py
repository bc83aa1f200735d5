"""One round on a mixture: completions of several policies, or of several sets, by share."""

import itertools

from pydantic import Field, model_validator
from pydantic_core import InitErrorDetails

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.curation.mixing import MixSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments import stages
from webapp.experiments.cells import Cell, with_axes
from webapp.experiments.complaints import located
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.stages import Nodes
from webapp.jobs.graph import Given, Node, Source


class Part(Schema):
    """A graded or curated set that exists."""

    rollouts_id: int | None = None
    """The set; none leaves this part out."""
    weight: float = Field(1.0, gt=0, le=1e6)
    """How much of the mixture is from it, relative to the others."""


class Settings(Schema):
    """What is mixed, and how much of it."""

    own_weight: float = Field(1.0, ge=0, le=1e6)
    """Weight of this experiment's own completions: those that its policy writes, or those chosen
    above to learn from, after its curation. 0 leaves them out."""
    first: Part = Part()
    """A set that exists, such as one that a larger policy or an earlier iteration wrote."""
    second: Part = Part()
    """Another set."""
    third: Part = Part()
    """And another one."""
    size: int | None = Field(None, ge=1, le=10**8)
    """Completions in all; empty takes as many as the shares allow."""
    seed: int = Field(0, ge=0, le=2**31 - 1)
    """Seed of the draws."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The sets that exist."""
        return tuple(one for one in (self.first, self.second, self.third) if one.rollouts_id)

    @property
    def spec(self) -> MixSpec:
        """What the job is told."""
        own = (self.own_weight,) if self.own_weight else ()
        weights = (*own, *(one.weight for one in self.parts))
        return MixSpec(weights=weights, size=self.size, seed=self.seed)

    @model_validator(mode="after")
    def _there_is_no_set_twice(self) -> "Settings":
        ids = [one.rollouts_id for one in self.parts]
        if len(set(ids)) < len(ids):
            raise ValueError("A set is mixed with itself: name each set once.")
        return self


def problems(config: ExperimentConfig) -> list[InitErrorDetails]:
    """Return an error where fewer than two sets are named."""
    paths = [path for path in config.axes if path.partition(".")[0] == axis_rules.RECIPE]
    for values in itertools.product(*(config.axes[path] for path in paths)):
        chosen = dict(zip(paths, values, strict=True))
        settings = with_axes(config.recipe_schema, axis_rules.RECIPE, chosen)
        assert isinstance(settings, Settings)  # the schema of this recipe
        if len(settings.parts) + bool(settings.own_weight) < 2:
            message = "A mixture needs two sets: name one beside the own completions, or two."
            return [located(("recipe_settings", "first", "rollouts_id"), message, None)]
    return []


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return runs that train on one shared mixture."""

    def nodes(cell: Cell, name: str, seed: int) -> Nodes:
        if ALGORITHMS[cell.algorithm].trains_on == "references":
            return stages.one_round(cell, name, seed)
        found, mixed = _mixture(cell, sources)
        trained = stages.train(cell, name, seed=seed, policy=cell.policy, data={"rollouts": mixed})
        return {**found, "train": trained, **stages.evaluations(cell, trained, name)}

    return stages.matrix(config, sources, nodes)


def _mixture(cell: Cell, sources: Sources) -> tuple[Nodes, Node]:
    settings = cell.recipe
    assert isinstance(settings, Settings)  # the schema of this recipe
    found: Nodes = {}
    sets: list[Source] = []
    if settings.own_weight:
        found, own = stages.completions(cell)
        sets.append(own)
    sets += [Given(sources.rollouts[one.rollouts_id]) for one in settings.parts if one.rollouts_id]
    found["mix"] = Node(
        kind="mix",
        spec=settings.spec,
        title=f"Mix {len(sets)} sets",
        inputs={f"source_{number}": one for number, one in enumerate(sets, start=1)},
        label=cell.label,
    )
    return found, found["mix"]


RECIPE = Recipe(
    title="Mixture of several sets",
    summary=(
        "One round, on completions of several policies: this experiment's own and sets that exist, "
        "each with its share. The training's page tells reward, weights and ratios of each set "
        "apart; every set keeps the log-probabilities of the policy that wrote it."
    ),
    plan=plan,
    settings=Settings,
    problems=problems,
)
