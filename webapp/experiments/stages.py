"""What recipes are made of: the runs of the matrix, and one function for each stage; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from algorithms.catalogue import ALGORITHMS
from algorithms.checkpoints import checkpoint_steps
from algorithms.specs import GradeSpec, TrainSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments.cells import Cell, cell_of
from webapp.experiments.choices import BASE_LABEL
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.curations import Curation
from webapp.experiments.plan import Plan, RunPlan, Sources
from webapp.experiments.roles import BENCHMARK, EVALUATION, Role
from webapp.jobs.graph import Given, Kept, Node, Source

Nodes = dict[str, Node]
"""The jobs of one run by role, as `webapp.experiments.roles` writes them."""


@dataclass(frozen=True)
class Base:
    """The run that only evaluates the policy that everything starts from."""

    nodes: Callable[[Cell, str], Nodes]
    """`nodes(cell, name)` returns its jobs by role, `evaluate` among them."""
    changes: Callable[[str], bool] = axis_rules.changes_evaluation
    """Whether the values of an axis, by its path, make different ones."""


BASE = Base(lambda cell, name: evaluations(cell, cell.policy, name))


def matrix(
    config: ExperimentConfig,
    sources: Sources,
    nodes: Callable[[Cell, str, int], Nodes],
    base: Base = BASE,
) -> Plan:
    """Return the base policy's evaluations, then every algorithm, axis value and seed.

    Args:
        nodes: `nodes(cell, name, seed)` returns the jobs of one run by role; the name is that of
            the group with its seed, for titles.
    """
    names = axis_rules.short_names(list(config.grid))
    trained: list[RunPlan] = []
    untrained: dict[str, RunPlan] = {}
    for choice in config.algorithms:
        for values in axis_rules.cells(config.grid, choice.algorithm):
            cell = cell_of(config, choice, values, sources)
            own = {path: value for path, value in values.items() if base.changes(path)}
            title = axis_rules.label(BASE_LABEL, own, names, sources.names)
            shared = RunPlan(title, "", 0, own, base.nodes(cell, title))
            untrained.setdefault(shared.nodes["evaluate"].fingerprint, shared)
            label = axis_rules.label(choice.label, values, names, sources.names)
            trained += [
                RunPlan(
                    label=label,
                    algorithm=choice.algorithm,
                    seed=seed,
                    axes=values,
                    nodes=nodes(cell, f"{label}, seed {seed}", seed),
                    recipe=_recipe_of(config, cell),
                )
                for seed in config.seeds
            ]
    return Plan(runs=(*untrained.values(), *trained))


def _recipe_of(config: ExperimentConfig, cell: Cell) -> dict[str, object]:
    """Return what a run records of its recipe: nothing where the recipe has no settings."""
    settings = cell.recipe.model_dump(mode="json")
    return {"name": config.recipe, **settings} if settings else {}


def one_round(cell: Cell, name: str, seed: int) -> Nodes:
    """Return the jobs of one round: completions, what curation keeps, a training, evaluations."""
    if ALGORITHMS[cell.algorithm].trains_on == "references":
        trained = train(cell, name, seed=seed, policy=cell.policy, data={"dataset": cell.dataset})
        return {"train": trained, **evaluations(cell, trained, name)}
    nodes, rollouts = completions(cell)
    trained = train(cell, name, seed=seed, policy=cell.policy, data={"rollouts": rollouts})
    return {**nodes, "train": trained, **evaluations(cell, trained, name)}


def completions(cell: Cell, where: str = "") -> tuple[Nodes, Source]:
    """Return the jobs that make what trainings read, and what they read: the last, or given ones.

    Args:
        where: added to the titles, such as ", iteration 2".
    """
    nodes: Nodes = {}
    rollouts: Source
    if cell.rollouts is not None:
        rollouts = cell.rollouts
    else:
        nodes["generate"] = generate(cell, where)
        nodes["grade"] = rollouts = grade(cell, nodes["generate"], where)
    if cell.curation is not None and cell.curation.steps:
        nodes["curate"] = rollouts = curate(cell, cell.curation, rollouts, where)
    return nodes, rollouts


def generate(cell: Cell, where: str = "", *, dataset: Source | None = None) -> Node:
    """Return the job that lets the policy complete the prompts.

    Args:
        dataset: whose prompts; the cell's when not given.
    """
    return Node(
        kind="generate",
        spec=cell.generate,
        title=f"{cell.generate.completions} completions per prompt of {cell.generate.split}{where}",
        inputs={"policy": cell.policy, "dataset": dataset or cell.dataset},
        label=cell.label,
    )


def grade(cell: Cell, rollouts: Source, where: str = "") -> Node:
    """Return the job that grades and rewards completions."""
    return Node(
        kind="grade",
        spec=GradeSpec(grading=cell.grading, rewards=cell.rewards),
        title=f"Grade and reward, {cell.grading.grader} grader{where}",
        inputs={"rollouts": rollouts},
        label=cell.label,
    )


def curate(cell: Cell, curation: Curation, rollouts: Source, where: str = "") -> Node:
    """Return the job that chooses among graded completions."""
    return Node(
        kind="curate",
        spec=curation.spec,
        title=f"Curate: {curation.name}{where}",
        inputs={"rollouts": rollouts},
        label=cell.label,
    )


def train_spec(cell: Cell, seed: int) -> TrainSpec:
    """Return what a training of the cell's algorithm is told."""
    spec = TrainSpec(
        algorithm=cell.algorithm,
        params=cell.params,
        settings=cell.settings,
        seed=seed,
        eval_split=cell.evaluate.split,
        prompt=cell.evaluate.prompt,
        sampling=cell.evaluate.sampling,
        grading=cell.grading,
    )
    if ALGORITHMS[cell.algorithm].trains_on == "references":
        # Rollouts carry their own split; naming it there would only split fingerprints.
        spec = spec.model_copy(update={"train_split": cell.generate.split})
    return spec


def train(
    cell: Cell,
    name: str,
    *,
    seed: int,
    policy: Source,
    data: Mapping[str, Source],
    spec: TrainSpec | None = None,
) -> Node:
    """Return the training from a policy.

    Args:
        data: `rollouts` or `dataset`, as the algorithm learns from, and optional inputs.
        spec: where it differs from `train_spec(cell, seed)`.
    """
    return Node(
        kind="train",
        spec=spec or train_spec(cell, seed),
        title=f"Train {name}",
        inputs={"policy": policy, "eval_dataset": cell.eval_dataset, **reference(cell), **data},
        label=cell.label,
        code_version=code_version(cell),
    )


def reference(cell: Cell) -> dict[str, Source]:
    """Return the chosen reference as an input, where the algorithm reads one."""
    algorithm = ALGORITHMS[cell.algorithm]
    params = algorithm.params.model_validate(dict(cell.params))
    is_read = algorithm.needs_reference is not None and algorithm.needs_reference(params)
    return {"reference": cell.reference} if is_read and cell.reference is not None else {}


def code_version(cell: Cell) -> str:
    """Return the version of the algorithm's code, for jobs that run its loss."""
    return f"{cell.algorithm}-{ALGORITHMS[cell.algorithm].version}"


def evaluations(cell: Cell, policy: Source, name: str) -> Nodes:
    """Return the evaluation on the held-out problems, and those beside it.

    One for each further benchmark, and on the held-out problems one for each policy that the
    training keeps, where that is asked for.
    """
    own = {"evaluate": evaluate(cell, policy, f"Evaluate {name}", cell.eval_dataset)}
    further = {
        f"{BENCHMARK}{pk}": evaluate(cell, policy, f"Evaluate {name}, benchmark {pk}", dataset)
        for pk, dataset in cell.benchmarks.items()
    }
    return own | further | _of_kept(cell, policy, name)


def _of_kept(cell: Cell, policy: Source, name: str) -> Nodes:
    return {
        str(Role(EVALUATION, step=step)): evaluate(
            cell, kept, f"Evaluate {name} after {step} updates", cell.eval_dataset
        )
        for step, kept in kept_policies(cell, policy).items()
    }


def kept_policies(cell: Cell, policy: Source) -> dict[int, Kept]:
    """Return what the training of a policy keeps on its way, by step, where that is evaluated."""
    if not cell.evaluate_checkpoints or not isinstance(policy, Node):
        return {}
    steps = checkpoint_steps(cell.settings.steps, cell.settings.keep_every)
    return {step: Kept(policy, step) for step in steps}


def evaluate(cell: Cell, policy: Source, title: str, dataset: Given) -> Node:
    """Return one evaluation of a policy."""
    return Node(
        kind="evaluate",
        spec=cell.evaluate,
        title=title,
        inputs={"policy": policy, "dataset": dataset},
        label=cell.label,
    )
