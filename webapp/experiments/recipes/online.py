"""Generation and training in one job: the policy writes what it learns from, as old as asked.

Group-relative REINFORCE, section 2.2 of its specification (arXiv:2509.24203): sync interval m and
offset o decide which version of the policy writes which batch.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import InitErrorDetails

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.online.schedule import warnings
from algorithms.online.settings import NEVER, REGIMES, Replay, Schedule, batches_misfit
from algorithms.settings import LLMSettings
from algorithms.specs import GenerateSpec, OnlineSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments import stages
from webapp.experiments.axes import AxisValue
from webapp.experiments.cells import Cell, with_axes
from webapp.experiments.complaints import located
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.stages import Nodes
from webapp.jobs.graph import Node

_SHARED_GPU = 0.5
"""Share of a GPU's memory above which an engine hardly leaves enough for the training beside it."""


class Settings(Schema):
    """How old completions may be, and how many are written."""

    regime: Literal["custom", "on_policy", "periodic", "delayed", "offline"] = "custom"
    """custom takes the interval and offset below. The paper's: on_policy 1 and 0, periodic 20 and
    0, delayed 1 and 10, offline never synchronises."""
    sync_interval: int = Field(1, ge=1, le=NEVER)
    """Updates between two times that the generator takes over the trained weights (m)."""
    sync_offset: int = Field(0, ge=0, le=NEVER)
    """Batches that the generator is ahead of the training (o)."""
    max_staleness: int | None = Field(None, ge=0, le=NEVER)
    """Completions of a policy that is more updates old are dropped and others written instead;
    empty keeps all."""
    prompts_per_step: int = Field(16, ge=1, le=65_536)
    """Prompts completed per update; times the completions per prompt it makes batch_size."""
    replay: Replay = Replay()
    """What waits between generation and training."""

    @model_validator(mode="after")
    def _one_schedule(self) -> "Settings":
        pair = (self.sync_interval, self.sync_offset)
        if self.regime != "custom" and pair not in {(1, 0), REGIMES[self.regime]}:
            raise ValueError(
                f"The regime {self.regime} has its own interval and offset: set regime to custom "
                "to choose sync_interval and sync_offset."
            )
        return self

    @property
    def schedule(self) -> Schedule:
        """The schedule, whatever name it goes by."""
        named = REGIMES.get(self.regime, (self.sync_interval, self.sync_offset))
        return Schedule(
            sync_interval=named[0], sync_offset=named[1], max_staleness=self.max_staleness
        )


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return runs of one online job each; what learns from references trains on these."""
    return stages.matrix(config, sources, _nodes)


def _nodes(cell: Cell, name: str, seed: int) -> Nodes:
    if ALGORITHMS[cell.algorithm].trains_on == "references":
        return stages.one_round(cell, name, seed)
    settings = cell.recipe
    assert isinstance(settings, Settings)  # the schema of this recipe
    trained = Node(
        kind="online",
        spec=OnlineSpec(
            algorithm=cell.algorithm,
            params=cell.params,
            settings=cell.settings,
            seed=seed,
            generate=cell.generate,
            prompts_per_step=settings.prompts_per_step,
            schedule=settings.schedule,
            replay=settings.replay,
            grading=cell.grading,
            rewards=cell.rewards,
            eval_split=cell.evaluate.split,
            sampling=cell.evaluate.sampling,
        ),
        title=f"Generate and train {name}",
        inputs={
            "policy": cell.policy,
            "dataset": cell.dataset,
            "eval_dataset": cell.eval_dataset,
            **stages.reference(cell),
        },
        label=cell.label,
        code_version=stages.code_version(cell),
    )
    return {"train": trained, **stages.evaluations(cell, trained, name)}


def problems(config: ExperimentConfig) -> list[InitErrorDetails]:
    """Return what this recipe cannot do with a config."""
    found = [*_algorithm_problems(config)]
    if config.rollouts_id is not None:
        message = "In this recipe the policy writes what it learns from: generate new ones."
        found.append(located(("rollouts_id",), message, config.rollouts_id))
    if any(curation.steps for curation in config.curations):
        message = "Completions are learned from as they are written: take the curations out."
        found.append(located(("curations",), message, len(config.curations)))
    for settings, generate, recipe in _cells(config):
        written = recipe.prompts_per_step * generate.completions
        if problem := batches_misfit(settings.batch_size, written, recipe.replay):
            found.append(located(("settings", "batch_size"), problem, settings.batch_size))
            break
    return found


def _algorithm_problems(config: ExperimentConfig) -> Iterator[InitErrorDetails]:
    for number, choice in enumerate(config.algorithms):
        if ALGORITHMS[choice.algorithm].unit == "pair":
            message = "It learns from pairs, and new completions may hold none: use it offline."
            yield located(("algorithms", number, "label"), message, choice.label)


def _cells(config: ExperimentConfig) -> Iterator[tuple[LLMSettings, GenerateSpec, Settings]]:
    """Yield the sections that batches and schedules follow from, axis values put in."""
    for values in _axis_values(config).values():
        recipe = with_axes(config.recipe_schema, axis_rules.RECIPE, values)
        assert isinstance(recipe, Settings)  # the schema of this recipe
        settings = with_axes(config.settings, "settings", values)
        yield settings, with_axes(config.generate, "generate", values), recipe


def _axis_values(config: ExperimentConfig) -> dict[str, Mapping[str, AxisValue]]:
    """Return the distinct axis values that matter here, by their names."""
    names = axis_rules.short_names(list(config.grid))
    found: dict[str, Mapping[str, AxisValue]] = {}
    for choice in config.algorithms:
        for values in axis_rules.cells(config.grid, choice.algorithm):
            own = {
                path: value
                for path, value in values.items()
                if path.partition(".")[0] in (axis_rules.RECIPE, "settings", "generate")
            }
            found.setdefault(axis_rules.label("", own, names).removeprefix(", "), own)
    return found


def schedules(config: ExperimentConfig) -> dict[str, tuple[Schedule, int | None]]:
    """Return the schedules of the runs and their updates by name, equal ones once.

    The number of updates is None where it follows from the data.
    """
    found: dict[str, tuple[Schedule, int | None]] = {}
    for name, (settings, _, recipe) in zip(_axis_values(config), _cells(config), strict=True):
        made = (recipe.schedule, settings.steps if settings.epochs is None else None)
        if made not in found.values():
            found[name] = made
    return found


def notes(config: ExperimentConfig) -> list[str]:
    """Return sentences about schedules and engines that may not be meant."""
    found = []
    vllm = config.generate.vllm
    if config.generate.engine == "vllm" and vllm.gpu_memory_utilization > _SHARED_GPU:
        found.append(
            "vLLM and the training share the GPU for the whole job: lower gpu_memory_utilization "
            f"under generation from {vllm.gpu_memory_utilization:g} to {_SHARED_GPU:g} or less."
        )
    for name, (schedule, steps) in schedules(config).items():
        said = warnings(schedule, steps) if steps else []
        found += [f"{name}: {text}" if name else text for text in said]
    return found


RECIPE = Recipe(
    title="Online, generated while it trains",
    summary=(
        "Each run is one job that completes prompts, grades, and learns from what came out, over "
        "and over. Sync interval and offset say how old the policy is that writes: on-policy, "
        "periodic, delayed or offline. Every seed writes completions of its own."
    ),
    plan=plan,
    settings=Settings,
    problems=problems,
    notes=notes,
    schedules=schedules,
)
