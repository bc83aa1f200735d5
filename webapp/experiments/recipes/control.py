"""Control from data: train policies, evaluate them as they are and corrected by CDSA.

The score network and the inverse dynamics model are trained once per data set and serve every
policy (CDSA, reference design). Evaluations of one experiment share
their reset seeds, so differences are paired.
"""

from collections.abc import Mapping
from typing import Any

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_specs import (
    ControlEvaluation,
    EvaluateControlSpec,
    ScoreTraining,
    TrainControlSpec,
    TrainDynamicsSpec,
    TrainScoreSpec,
)
from webapp.experiments.axes import with_values
from webapp.experiments.choices import ControlChoice
from webapp.experiments.control.applying import groups
from webapp.experiments.control.choices import GivenPolicy
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.notes import notes
from webapp.experiments.control.setting import Setting, setting_of
from webapp.experiments.plan import Plan, Recipe, RunPlan, Sources
from webapp.jobs.graph import Given, Node, Source, given

Nodes = dict[str, Node]


def plan(config: ControlConfig, sources: Sources) -> Plan:
    """Return runs that share trainings and networks: one for each group and seed.

    A given policy has one run, of seed 0: nothing is trained.
    """
    runs: list[RunPlan] = []
    for group in groups(config, sources.names):
        setting = setting_of(config, group)
        data = Given(sources.datasets[setting.dataset_id])
        networks = _networks(config, setting, data)
        seeds = config.seeds if isinstance(group.policy, ControlChoice) else (0,)
        for seed in seeds:
            trained = _trained(config, setting, data, seed)
            policy = trained.get("train") or _given(group.policy, sources)
            evaluated = _evaluation(config, setting, seed, {"policy": policy, **networks})
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
    config: ControlConfig, setting: Setting, seed: int, inputs: Mapping[str, Source]
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
        inputs=inputs,
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
