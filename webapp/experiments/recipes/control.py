"""Control from data: train policies, evaluate them as they are and corrected by CDSA.

The score network and the inverse dynamics model are trained once per data set and serve every
policy (CDSA, reference design: papers' plug-and-play claim). Evaluations of one experiment share
their reset seeds, so differences are paired.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_specs import (
    ControlEvaluation,
    DynamicsTraining,
    EvaluateControlSpec,
    ScoreTraining,
    TrainControlSpec,
    TrainDynamicsSpec,
    TrainScoreSpec,
)
from algorithms.evaluation.risk import FEWEST_FOR_TAILS
from algorithms.settings import ControlSettings
from webapp.experiments.axes import with_values
from webapp.experiments.cells import with_axes
from webapp.experiments.choices import ControlChoice
from webapp.experiments.control.applying import Group, groups
from webapp.experiments.control.choices import GivenPolicy
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.plan import Plan, Recipe, RunPlan, Sources
from webapp.jobs.graph import Given, Node, Source, given

Nodes = dict[str, Node]


@dataclass(frozen=True)
class Setting:
    """The settings of one compared group, axis values put in."""

    group: Group
    params: Mapping[str, Any]
    correction_params: Mapping[str, Any]
    settings: ControlSettings
    score: ScoreTraining
    inverse_dynamics: DynamicsTraining
    evaluate: ControlEvaluation
    dataset_id: int


def setting_of(config: ControlConfig, group: Group) -> Setting:
    """Return the settings of a compared group."""
    values = group.values
    policy, correction = group.policy, group.correction
    dataset_id = values.get("dataset_id", config.dataset_id)
    assert isinstance(dataset_id, int)  # the config has checked its axes
    params: Mapping[str, Any] = {}
    if isinstance(policy, ControlChoice):
        schema, chosen = policy.chosen
        params = _complete(schema.model_validate(dict(chosen)), "params", values)
    corrected: Mapping[str, Any] = {}
    if correction.correction:
        schema, chosen = correction.chosen
        corrected = _complete(schema.model_validate(dict(chosen)), "correction", values)
    return Setting(
        group=group,
        params=params,
        correction_params=corrected,
        settings=with_axes(config.settings, "settings", values),
        score=with_axes(config.score, "score", values),
        inverse_dynamics=with_axes(config.inverse_dynamics, "inverse_dynamics", values),
        evaluate=with_axes(config.evaluate, "evaluate", values),
        dataset_id=dataset_id,
    )


def _complete(schema: Any, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = with_axes(schema, name, values).model_dump(mode="json")
    return found


def plan(config: ControlConfig, sources: Sources) -> Plan:
    """Return runs that share trainings and networks: one for each group and seed.

    A given policy has one run, of seed 0: nothing is trained.
    """
    runs: list[RunPlan] = []
    for group in groups(config):
        setting = setting_of(config, group)
        data = Given(sources.datasets[setting.dataset_id])
        networks = _networks(config, setting, data)
        seeds = config.seeds if isinstance(group.policy, ControlChoice) else (0,)
        for seed in seeds:
            trained = _trained(config, setting, data, seed)
            policy = trained.get("train") or _given(group.policy, sources)
            evaluated = _evaluation(config, setting, policy, networks, seed)
            runs.append(
                RunPlan(
                    label=group.label,
                    algorithm=group.algorithm,
                    seed=seed,
                    axes=group.values,
                    nodes={**networks, **trained, "evaluate": evaluated},
                    recipe=_record(setting),
                )
            )
    return Plan(runs=tuple(runs))


def _record(setting: Setting) -> dict[str, object]:
    """Return what a run says of itself: what is paired with what, without reading labels."""
    group = setting.group
    return {
        "name": "control",
        "policy": group.policy.label,
        "correction": group.correction.name,
        "corrects": bool(group.correction.correction),
        "dataset_id": setting.dataset_id,
        "axes": dict(group.values),
    }


def _trained(config: ControlConfig, setting: Setting, data: Source, seed: int) -> Nodes:
    """Return the training of a seed, by itself or with the seeds that follow; none if given."""
    choice = setting.group.policy
    if not isinstance(choice, ControlChoice):
        return {}
    first, count = side_by_side(config.seeds, seed, setting.settings.parallel_seeds)
    spec = TrainControlSpec(
        algorithm=choice.algorithm,
        params=setting.params,
        settings=with_values(setting.settings, {"parallel_seeds": count}),
        seed=first,
    )
    last = first + count - 1
    which = f"seed {first}" if count == 1 else f"seeds {first} to {last}"
    return {
        "train": Node(
            kind="train_control",
            spec=spec,
            title=f"Train {setting.group.policy_label}, {which}"[:200],
            inputs={"transitions": data},
            label=config.label,
            code_version=f"{choice.algorithm}-{CONTROL_ALGORITHMS[choice.algorithm].version}",
        )
    }


def side_by_side(seeds: tuple[int, ...], seed: int, most: int) -> tuple[int, int]:
    """Return first seed and number of the seeds that are trained together with one of them.

    Seeds that follow each other are dealt out, `most` at a time, from the smallest of their row.
    """
    start = end = seed
    while start - 1 in seeds:
        start -= 1
    while end + 1 in seeds:
        end += 1
    first = start + (seed - start) // most * most
    return first, min(most, end - first + 1)


def _given(policy: ControlChoice | GivenPolicy, sources: Sources) -> Source:
    assert isinstance(policy, GivenPolicy)  # what is learned has a training
    return given(sources.policies[policy.policy_id])


def _networks(config: ControlConfig, setting: Setting, data: Source) -> Nodes:
    """Return the networks that a correction asks, shared by all policies on the data."""
    if not setting.group.correction.correction:
        return {}
    found = {
        "score": _score(config, setting.score, data),
        "inverse_dynamics": Node(
            kind="train_inverse_dynamics",
            spec=TrainDynamicsSpec(**dict(setting.inverse_dynamics), seed=config.network_seed),
            title="Inverse dynamics model",
            inputs={"transitions": data},
            label=config.label,
        ),
    }
    if setting.correction_params.get("density") in ("state", "both"):
        alone = with_values(setting.score, {"params.variables": "state"})
        found["state_score"] = _score(config, alone, data)
    return found


def _score(config: ControlConfig, training: ScoreTraining, data: Source) -> Node:
    joint = training.params.variables == "joint"
    return Node(
        kind="train_score",
        spec=TrainScoreSpec(**dict(training), seed=config.network_seed),
        title="Score network" if joint else "Score network of observations",
        inputs={"transitions": data},
        label=config.label,
    )


def _evaluation(
    config: ControlConfig, setting: Setting, policy: Source, networks: Nodes, seed: int
) -> Node:
    group, told = setting.group, dict(setting.evaluate)
    name = group.correction.correction
    if not name:
        # It has no score network to ask: the level changes nothing, so it makes no other job.
        told["ood_level"] = ControlEvaluation.model_fields["ood_level"].default
    spec = EvaluateControlSpec(
        **told,
        **_which(config, setting, seed),
        correction=name,
        correction_params=setting.correction_params,
    )
    trains = isinstance(group.policy, ControlChoice)
    title = f"Evaluate {group.label}{f', seed {seed}' if trains else ''}"
    return Node(
        kind="evaluate_control",
        spec=spec,
        title=title[:200],
        inputs={"policy": policy, **networks},
        label=config.label,
        code_version=f"{name}-{CORRECTIONS[name].version}" if name else "",
    )


def _which(config: ControlConfig, setting: Setting, seed: int) -> dict[str, Any]:
    """Return which of the policies that an artifact holds is meant."""
    policy = setting.group.policy
    if isinstance(policy, GivenPolicy):
        return {"policy_seed": policy.policy_seed, "stage": policy.stage}
    _, count = side_by_side(config.seeds, seed, setting.settings.parallel_seeds)
    return {"policy_seed": seed} if count > 1 else {}


def notes(config: ControlConfig) -> list[str]:
    """Return sentences to read before a launch."""
    found = []
    episodes = config.axes.get("evaluate.episodes", (config.evaluate.episodes,))
    fewest = min(one for one in episodes if isinstance(one, int))
    if fewest < FEWEST_FOR_TAILS:
        found.append(
            f"VaR and CVaR of {fewest} episodes say next to nothing: play at least "
            f"{FEWEST_FOR_TAILS}."
        )
    if "tuning" in config.axes.get("evaluate.purpose", (config.evaluate.purpose,)):
        found.append(
            "These are tuning episodes: settings are chosen by them. Tables show reporting "
            "episodes only, so launch the chosen settings again with the purpose reporting."
        )
    return found + _levels_outside(config)


def _levels_outside(config: ControlConfig) -> list[str]:
    """Return a sentence for each noise level of a correction that the score never saw."""
    low, high = config.score.params.level_min, config.score.params.level_max
    levels = {
        float(level)
        for group in groups(config)
        if group.correction.correction
        for level in [setting_of(config, group).correction_params.get("noise_level")]
        if level is not None
    }
    outside = sorted(level for level in levels if not low <= level <= high)
    return [
        f"The correction's noise level {level:g} lies outside those that the score network "
        f"learns ({low:g} to {high:g})."
        for level in outside
    ]


RECIPE = Recipe(
    title="Control from data",
    summary=(
        "Algorithms learn policies from one data set of transitions. Each policy, and each that "
        "exists already, is evaluated as it is and corrected when it acts (CDSA, reference "
        "design), on the same episodes. One score network and one inverse dynamics model serve "
        "all of them."
    ),
    plan=plan,
    family="control",
    notes=notes,
)
