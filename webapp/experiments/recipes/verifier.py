"""Generative verifiers: a policy learns to judge solutions, and its verdicts weigh their answers.

TOPR, section D.5 and table 2 (arXiv:2503.14286): 16 solutions per problem and 4 verifications of
each to train on; 32 solutions and 4 verifications of each held-out problem, weighed against the
majority and against the untrained verifier. Prompt and form of the verdict are not known: ours.
"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field
from pydantic_core import InitErrorDetails

from algorithms.asking import Grading, Prompt, Sampling
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.specs import GenerateSpec, TrainSpec
from algorithms.verification import Verdicts, VerifySpec, WeighSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments import stages
from webapp.experiments.cells import Cell
from webapp.experiments.complaints import located
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.roles import JUDGING
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
        verifier = _verifier(cell, sources)
        held_out, solutions, problems = _held_out(cell)
        return held_out | _weighed(cell, verifier, name, (solutions, problems))

    def nodes(cell: Cell, name: str, seed: int) -> Nodes:
        verifier = _verifier(cell, sources)
        shared, data = _lessons(cell, verifier)
        held_out, solutions, problems = _held_out(cell)
        trained = Node(
            kind="train",
            spec=_train_spec(cell, seed),
            title=f"Train {name}",
            inputs={"policy": verifier, "eval_dataset": problems, **stages.reference(cell), **data},
            label=cell.label,
            code_version=stages.code_version(cell),
        )
        judged = _weighed(cell, trained, name, (solutions, problems))
        return {**shared, **held_out, "train": trained, **judged}

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


def _held_out(cell: Cell) -> tuple[Nodes, Node, Node]:
    """Return jobs by role, the graded solutions of held-out problems, and their verification."""
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
    solving = replace(cell, generate=spec)
    solved = stages.generate(solving, ", held out", dataset=cell.eval_dataset)
    solutions = stages.grade(cell, solved, ", held out")
    problems = _problems(cell, solutions, asked.split)
    roles = {"solve_held_out": solved, "grade_held_out": solutions, "verify_held_out": problems}
    return roles, solutions, problems


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


def _weighed(cell: Cell, verifier: Source, name: str, held_out: tuple[Node, Node]) -> Nodes:
    """Return the jobs that let a verifier judge the held-out solutions and weigh them by that."""
    solutions, problems = held_out
    settings = _settings(cell)
    spec = _asking(cell, cell.evaluate.split, settings.held_out_verifications, cell.evaluate.seed)
    made, verdicts = _verdicts(cell, verifier, problems, spec)
    weighed = Node(
        kind="weigh",
        spec=WeighSpec(accept=settings.verdicts.accept, seed=cell.evaluate.seed),
        title=f"Weigh by {name}",
        inputs={"solutions": solutions, "verdicts": verdicts},
        label=cell.label,
    )
    return {**dict(zip(JUDGING, (made, verdicts), strict=True)), "evaluate": weighed}


def problems(config: ExperimentConfig) -> list[InitErrorDetails]:
    """Return what this recipe cannot do with a config."""
    found = []
    if config.benchmarks:
        message = "A verifier is evaluated on one dataset: launch an experiment for each."
        found.append(located(("benchmarks",), message, len(config.benchmarks)))
    if config.evaluate_checkpoints:
        message = "Only the final verifier is evaluated: untick it."
        found.append(located(("evaluate_checkpoints",), message, True))
    return found


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
    problems=problems,
)
