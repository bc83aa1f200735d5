"""One round off-policy: generate, grade and curate once, train every algorithm, evaluate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from algorithms.asking import Grading, Rewards
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.curation.steps import CurateSpec
from algorithms.settings import LLMSettings
from algorithms.specs import EvaluateSpec, GenerateSpec, GradeSpec, TrainSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments.axes import AxisValue
from webapp.experiments.config import BASE_LABEL, AlgorithmChoice, ExperimentConfig
from webapp.experiments.curations import Curation
from webapp.experiments.plan import BENCHMARK, Plan, Recipe, RunPlan, Sources
from webapp.jobs.graph import Given, Node

S = TypeVar("S", bound=Schema)


@dataclass(frozen=True)
class _Cell:
    """The settings of one compared group, axis values put in, and its sources."""

    generate: GenerateSpec
    grading: Grading
    rewards: Rewards
    settings: LLMSettings
    evaluate: EvaluateSpec
    params: Mapping[str, Any]
    dataset: Given
    eval_dataset: Given
    benchmarks: Mapping[int, Given]
    """Further datasets to be evaluated on, by id."""
    policy: Given
    rollouts: Given | None
    """Graded completions, where none are generated."""
    curation: Curation | None
    label: str


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return the base policy's evaluations, then every algorithm, axis value and seed."""
    names = axis_rules.short_names(list(config.grid))
    trained: list[RunPlan] = []
    base: dict[str, RunPlan] = {}
    for choice in config.algorithms:
        for values in axis_rules.cells(config.grid, choice.algorithm):
            cell = _cell(config, choice, values, sources)
            shared = _base_run(cell, values, names)
            base.setdefault(shared.nodes["evaluate"].fingerprint, shared)
            label = axis_rules.label(choice.label, values, names)
            for seed in config.seeds:
                nodes = _nodes(cell, choice, f"{label}, seed {seed}", seed)
                trained.append(
                    RunPlan(
                        label=label, algorithm=choice.algorithm, seed=seed, axes=values, nodes=nodes
                    )
                )
    return Plan(runs=(*base.values(), *trained))


def _cell(
    config: ExperimentConfig,
    choice: AlgorithmChoice,
    values: Mapping[str, AxisValue],
    sources: Sources,
) -> _Cell:
    dataset_id = _source_id(values.get("dataset_id", config.dataset_id))
    eval_id = dataset_id if config.eval_dataset_id is None else config.eval_dataset_id
    policy_id = _source_id(values.get("policy_id", config.policy_id))
    grading = _with(config.grading, "grading", values)
    asked = {"prompt": _with(config.prompt, "prompt", values)}
    evaluate = _with(config.evaluate, "evaluate", values)
    params = ALGORITHMS[choice.algorithm].params.model_validate(dict(choice.params))
    return _Cell(
        generate=_with(config.generate, "generate", values).model_copy(update=asked),
        grading=grading,
        rewards=_with(config.rewards, "rewards", values),
        settings=_with(config.settings, "settings", values),
        evaluate=evaluate.model_copy(update={**asked, "grading": grading}),
        params=_with(params, "params", values).model_dump(mode="json"),
        dataset=Given(sources.datasets[dataset_id]),
        eval_dataset=Given(sources.datasets[eval_id]),
        benchmarks={pk: Given(sources.datasets[pk]) for pk in config.benchmarks if pk != eval_id},
        policy=Given(sources.policies[policy_id]),
        rollouts=_rollouts(config, sources),
        curation=_curation(config, values),
        label=config.label,
    )


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


def _with(section: S, name: str, values: Mapping[str, AxisValue]) -> S:
    own = {p.partition(".")[2]: v for p, v in values.items() if p.partition(".")[0] == name}
    return axis_rules.with_values(section, own) if own else section


def _base_run(cell: _Cell, values: Mapping[str, AxisValue], names: Mapping[str, str]) -> RunPlan:
    own = {path: value for path, value in values.items() if axis_rules.changes_evaluation(path)}
    label = axis_rules.label(BASE_LABEL, own, names)
    nodes = _evaluations(cell, cell.policy, label)
    return RunPlan(label=label, algorithm="", seed=0, axes=own, nodes=nodes)


def _nodes(cell: _Cell, choice: AlgorithmChoice, name: str, seed: int) -> dict[str, Node]:
    if ALGORITHMS[choice.algorithm].trains_on == "references":
        train = _train(cell, choice, name, seed=seed, data={"dataset": cell.dataset})
        return {"train": train, **_evaluations(cell, train, name)}
    nodes, rollouts = _graded(cell)
    if cell.curation is not None and cell.curation.steps:
        nodes["curate"] = rollouts = _curate(cell, cell.curation, rollouts)
    train = _train(cell, choice, name, seed=seed, data={"rollouts": rollouts})
    return {**nodes, "train": train, **_evaluations(cell, train, name)}


def _graded(cell: _Cell) -> tuple[dict[str, Node], Node | Given]:
    """Return the jobs that make graded completions, and what trainings read."""
    if cell.rollouts is not None:
        return {}, cell.rollouts
    generate = Node(
        kind="generate",
        spec=cell.generate,
        title=f"{cell.generate.completions} completions per prompt of {cell.generate.split}",
        inputs={"policy": cell.policy, "dataset": cell.dataset},
        label=cell.label,
    )
    grade = Node(
        kind="grade",
        spec=GradeSpec(grading=cell.grading, rewards=cell.rewards),
        title=f"Grade and reward, {cell.grading.grader} grader",
        inputs={"rollouts": generate},
        label=cell.label,
    )
    return {"generate": generate, "grade": grade}, grade


def _curate(cell: _Cell, curation: Curation, rollouts: Node | Given) -> Node:
    spec: CurateSpec = curation.spec
    return Node(
        kind="curate",
        spec=spec,
        title=f"Curate: {curation.name}",
        inputs={"rollouts": rollouts},
        label=cell.label,
    )


def _train(
    cell: _Cell, choice: AlgorithmChoice, name: str, *, seed: int, data: Mapping[str, Node | Given]
) -> Node:
    algorithm = ALGORITHMS[choice.algorithm]
    spec = TrainSpec(
        algorithm=choice.algorithm,
        params=cell.params,
        settings=cell.settings,
        seed=seed,
        eval_split=cell.evaluate.split,
        prompt=cell.evaluate.prompt,
        sampling=cell.evaluate.sampling,
        grading=cell.grading,
    )
    if algorithm.trains_on == "references":
        # Rollouts carry their own split; naming it there would only split fingerprints.
        spec = spec.model_copy(update={"train_split": cell.generate.split})
    return Node(
        kind="train",
        spec=spec,
        title=f"Train {name}",
        inputs={"policy": cell.policy, "eval_dataset": cell.eval_dataset, **data},
        label=cell.label,
        code_version=f"{choice.algorithm}-{algorithm.version}",
    )


def _evaluations(cell: _Cell, policy: Node | Given, name: str) -> dict[str, Node]:
    """Return the evaluation on the held-out problems, and one for each further benchmark."""
    own = {"evaluate": _evaluate(cell, policy, f"Evaluate {name}", cell.eval_dataset)}
    further = {
        f"{BENCHMARK}{pk}": _evaluate(cell, policy, f"Evaluate {name}, benchmark {pk}", dataset)
        for pk, dataset in cell.benchmarks.items()
    }
    return own | further


def _evaluate(cell: _Cell, policy: Node | Given, title: str, dataset: Given) -> Node:
    return Node(
        kind="evaluate",
        spec=cell.evaluate,
        title=title,
        inputs={"policy": policy, "dataset": dataset},
        label=cell.label,
    )


RECIPE = Recipe(
    title="Offline, one round",
    summary=(
        "The policy completes every prompt once. All algorithms and seeds train on this one set "
        "of graded completions, or on what curations keep of it, and are evaluated on the same "
        "held-out problems."
    ),
    plan=plan,
)
