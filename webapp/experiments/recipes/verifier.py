"""Generative verifiers: a policy learns to judge solutions, and its verdicts weigh their answers.

TOPR, section D.5 and table 2 (arXiv:2503.14286): 16 solutions per problem and 4 verifications of
each to train on; 32 solutions and 4 verifications of each held-out problem, weighed against the
majority and against the untrained verifier. Prompt and form of the verdict are not known: ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from algorithms.asking import Grading, Prompt, Sampling
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.specs import GenerateSpec, TrainSpec
from algorithms.verification import Verdicts, VerifySpec, WeighSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments import stages
from webapp.experiments.cells import Cell
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.roles import EVALUATION, JUDGING, Role
from webapp.experiments.stages import Base, Nodes
from webapp.jobs.graph import Node, Source, given

POLICY = "verifier_policy_id"


class Settings(Schema):
    """Who judges what, and how often."""

    verifier_policy_id: int | None = None
    """Policy that learns to judge; none takes the policy that writes the solutions."""
    verifications: int = Field(4, ge=1, le=1024)
    """Verdicts on each solution that are learned from (the paper's is 4)."""
    held_out_solutions: int = Field(32, ge=1, le=1024)
    """Solutions of each held-out problem whose answers are weighed (the paper's is 32)."""
    held_out_verifications: int = Field(4, ge=1, le=1024)
    """Verdicts on each of those (the paper's is 4)."""
    verdicts: Verdicts = Verdicts()
    """What the verifier is shown, and what it may say."""
    grading: Grading = Grading(grader="choice")
    """How a verdict is read from what the verifier writes."""
    sampling: Sampling = Sampling(max_new_tokens=512)
    """How verdicts are drawn."""


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return runs that train a verifier each, and one that asks the untrained verifier."""

    def untrained(cell: Cell, name: str) -> Nodes:
        return _evaluations(cell, _verifier(cell, sources), name, _held_out(cell))

    def nodes(cell: Cell, name: str, seed: int) -> Nodes:
        verifier = _verifier(cell, sources)
        shared, data = _lessons(cell, verifier)
        own = _held_out(cell)
        trained = Node(
            kind="train",
            spec=_train_spec(cell, seed),
            title=f"Train {name}",
            inputs={
                "policy": verifier,
                "eval_dataset": own.problems,
                **stages.reference(cell),
                **data,
            },
            label=cell.label,
            code_version=stages.code_version(cell),
        )
        return {**shared, "train": trained, **_evaluations(cell, trained, name, own)}

    return stages.matrix(config, sources, nodes, Base(untrained, _changes_base))


def _changes_base(path: str) -> bool:
    return axis_rules.changes_evaluation(path) or path.partition(".")[0] == axis_rules.RECIPE


def _settings(cell: Cell) -> Settings:
    assert isinstance(cell.recipe, Settings)  # the schema of this recipe
    return cell.recipe


def _verifier(cell: Cell, sources: Sources) -> Source:
    chosen = _settings(cell).verifier_policy_id
    return cell.policy if chosen is None else given(sources.policies[chosen])


def _lessons(cell: Cell, verifier: Source) -> tuple[Nodes, dict[str, Source]]:
    """Return the jobs that make what a verifier learns from, and the inputs of its training."""
    found, solutions = stages.completions(replace(cell, curation=None))
    problems = _problems(cell, solutions, cell.generate.split)
    found["verify"] = problems
    if ALGORITHMS[cell.algorithm].trains_on == "references":
        return {"verify": problems, **found}, {"dataset": problems}
    spec = _asking(cell, cell.generate.split, _settings(cell).verifications, cell.generate.seed)
    made, verdicts = _verdicts(cell, verifier, problems, spec)
    found |= {"ask": made, "grade_asked": verdicts}
    if cell.curation is None or not cell.curation.steps:
        return found, {"rollouts": verdicts}
    found["curate"] = stages.curate(cell, cell.curation, verdicts)
    return found, {"rollouts": found["curate"]}


@dataclass(frozen=True)
class _HeldOut:
    """Graded solutions of the held-out problems of one dataset, and the problems of judging them.

    The same jobs for every verifier.
    """

    nodes: Nodes
    solutions: Node
    problems: Node
    dataset: int | None
    """Of a further benchmark; None for that of the experiment."""


def _held_out(cell: Cell, benchmark: int | None = None) -> _HeldOut:
    asked = cell.evaluate
    spec = cell.generate.model_copy(
        update={
            "split": asked.split,
            "prompts": asked.problems,
            "completions": _settings(cell).held_out_solutions,
            "sampling": asked.sampling,
            "seed": asked.seed,
        }
    )
    dataset = cell.eval_dataset if benchmark is None else cell.benchmarks[benchmark]
    where = ", held out" if benchmark is None else f", benchmark {benchmark}"
    solved = stages.generate(replace(cell, generate=spec), where, dataset=dataset)
    solutions = stages.grade(cell, solved, where)
    problems = _problems(cell, solutions, asked.split)
    made = {"solve_held_out": solved, "grade_held_out": solutions, "verify_held_out": problems}
    nodes = {str(Role(stage, benchmark)): node for stage, node in made.items()}
    return _HeldOut(nodes, solutions, problems, benchmark)


def _problems(cell: Cell, solutions: Source, split: str) -> Node:
    spec = VerifySpec(**_settings(cell).verdicts.model_dump(), split=split)
    title = f"Verification problems, {split}"
    return Node("verify", spec, title, inputs={"rollouts": solutions}, label=cell.label)


def _asking(cell: Cell, split: str, times: int, seed: int) -> GenerateSpec:
    changed = {
        "split": split,
        "prompts": None,
        "completions": times,
        "prompt": _prompt(cell),
        "sampling": _settings(cell).sampling,
        "seed": seed,
    }
    return cell.generate.model_copy(update=changed)


def _prompt(cell: Cell) -> Prompt:
    """Return how verification problems are put: their own text, in the chat of the other prompts.

    Worked examples and templates are about solving, not about judging.
    """
    asked = cell.generate.prompt
    return Prompt(system=asked.system, chat_template=asked.chat_template)


def _verdicts(
    cell: Cell, verifier: Source, problems: Node, spec: GenerateSpec
) -> tuple[Node, Node]:
    asking = replace(cell, policy=verifier, generate=spec, grading=_settings(cell).grading)
    made = stages.generate(asking, " of verification problems", dataset=problems)
    return made, stages.grade(asking, made, ", verdicts")


def _train_spec(cell: Cell, seed: int) -> TrainSpec:
    settings = _settings(cell)
    asked: Mapping[str, object] = {
        "prompt": _prompt(cell),
        "sampling": settings.sampling,
        "grading": settings.grading,
    }
    return stages.train_spec(cell, seed).model_copy(update=asked)


def _evaluations(cell: Cell, verifier: Source, name: str, own: _HeldOut) -> Nodes:
    """Return the jobs that let a verifier weigh solutions, of every dataset that is asked for.

    Where the verifiers that a training keeps are asked for, too, they judge the same solutions of
    the experiment's own held-out problems.
    """
    found = own.nodes | _weighed(cell, verifier, name, own)
    for pk in cell.benchmarks:
        further = _held_out(cell, pk)
        found |= further.nodes | _weighed(cell, verifier, f"{name}, benchmark {pk}", further)
    for step, kept in stages.kept_policies(cell, verifier).items():
        found |= _weighed(cell, kept, f"{name} after {step} updates", own, step=step)
    return found


def _weighed(
    cell: Cell, verifier: Source, name: str, held_out: _HeldOut, *, step: int | None = None
) -> Nodes:
    """Return the jobs that let a verifier judge held-out solutions and weigh them by that."""
    settings = _settings(cell)
    spec = _asking(cell, cell.evaluate.split, settings.held_out_verifications, cell.evaluate.seed)
    made, verdicts = _verdicts(cell, verifier, held_out.problems, spec)
    weighed = Node(
        kind="weigh",
        spec=WeighSpec(accept=settings.verdicts.accept, seed=cell.evaluate.seed),
        title=f"Weigh by {name}",
        inputs={"solutions": held_out.solutions, "verdicts": verdicts},
        label=cell.label,
    )
    by_stage = zip((*JUDGING, EVALUATION), (made, verdicts, weighed), strict=True)
    return {str(Role(stage, held_out.dataset, step=step)): node for stage, node in by_stage}


RECIPE = Recipe(
    title="Verifier, judging solutions",
    summary=(
        "The policy solves problems several times, a verifier writes verdicts on the solutions "
        "and is trained by whether they are right. Its verdicts on solutions of held-out problems "
        "then weigh their answers: weighted self-consistency, beside the plain majority of the "
        "same solutions and the untrained verifier."
    ),
    plan=plan,
    settings=Settings,
    # Everything else is of the solutions, which are the same for every verifier.
    figures=("maj_at_n", "weighted_at_n", "verdict_accuracy"),
)
