"""One compared group of an experiment: every setting with its axis values put in; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from algorithms.asking import Grading, Rewards
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from algorithms.specs import EvaluateSpec, GenerateSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments.axes import AxisValue
from webapp.experiments.choices import AlgorithmChoice
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.curations import Curation
from webapp.experiments.plan import Sources
from webapp.jobs.graph import Given, Source, given

S = TypeVar("S", bound=Schema)


@dataclass(frozen=True)
class Cell:
    """The settings of one compared group, axis values put in, and its sources."""

    algorithm: str
    params: Mapping[str, Any]
    recipe: Schema
    """The recipe's own settings."""
    generate: GenerateSpec
    grading: Grading
    rewards: Rewards
    settings: LLMSettings
    evaluate: EvaluateSpec
    evaluate_checkpoints: bool
    """Whether the policies that trainings keep are evaluated, too."""
    dataset: Given
    eval_dataset: Given
    benchmarks: Mapping[int, Given]
    """Further datasets to be evaluated on, by id."""
    policy: Source
    """What completes the prompts and what training starts from; of a later round, its own."""
    reference: Source | None
    """What an algorithm with a reference stays close to; None where that is the policy itself."""
    rollouts: Given | None
    """Graded completions, where none are generated."""
    curation: Curation | None
    label: str
    """Queue of the jobs."""


def cell_of(
    config: ExperimentConfig,
    choice: AlgorithmChoice,
    values: Mapping[str, AxisValue],
    sources: Sources,
) -> Cell:
    """Return the settings of an algorithm with one combination of axis values."""
    dataset_id = _source_id(values.get("dataset_id", config.dataset_id))
    eval_id = dataset_id if config.eval_dataset_id is None else config.eval_dataset_id
    policy_id = _source_id(values.get("policy_id", config.policy_id))
    grading = with_axes(config.grading, "grading", values)
    asked = {"prompt": with_axes(config.prompt, "prompt", values)}
    evaluate = with_axes(config.evaluate, "evaluate", values)
    params = ALGORITHMS[choice.algorithm].params.model_validate(dict(choice.params))
    return Cell(
        algorithm=choice.algorithm,
        params=with_axes(params, "params", values).model_dump(mode="json"),
        recipe=with_axes(config.recipe_schema, axis_rules.RECIPE, values),
        generate=with_axes(config.generate, "generate", values).model_copy(update=asked),
        grading=grading,
        rewards=with_axes(config.rewards, "rewards", values),
        settings=with_axes(config.settings, "settings", values),
        evaluate=evaluate.model_copy(update={**asked, "grading": grading}),
        evaluate_checkpoints=config.evaluate_checkpoints,
        dataset=Given(sources.datasets[dataset_id]),
        eval_dataset=Given(sources.datasets[eval_id]),
        benchmarks={pk: Given(sources.datasets[pk]) for pk in config.benchmarks if pk != eval_id},
        policy=given(sources.policies[policy_id]),
        reference=_reference(config, sources, policy_id),
        rollouts=_rollouts(config, sources),
        curation=_curation(config, values),
        label=config.label,
    )


def _reference(config: ExperimentConfig, sources: Sources, policy_id: int) -> Source | None:
    chosen = config.reference_policy_id
    return None if chosen is None or chosen == policy_id else given(sources.policies[chosen])


def _rollouts(config: ExperimentConfig, sources: Sources) -> Given | None:
    return None if config.rollouts_id is None else Given(sources.rollouts[config.rollouts_id])


def _curation(config: ExperimentConfig, values: Mapping[str, AxisValue]) -> Curation | None:
    named = {one.name: one for one in config.curations}
    if len(named) == 1:
        return config.curations[0]
    return named.get(str(values.get(axis_rules.CURATION)))


def _source_id(value: AxisValue) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a source is named by a whole number, not {value!r}")
    return value


def with_axes(section: S, name: str, values: Mapping[str, AxisValue]) -> S:
    """Return a part of the config with the values of its axes put in."""
    own = {p.partition(".")[2]: v for p, v in values.items() if p.partition(".")[0] == name}
    return axis_rules.with_values(section, own) if own else section
