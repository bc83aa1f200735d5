"""Shapes of experiments and runs."""

from datetime import datetime
from typing import Any

from ninja import Schema

from webapp.experiments.detail import ExperimentDetail, JobCard, RunCard
from webapp.experiments.models import Experiment
from webapp.experiments.needs import CancelReport
from webapp.experiments.plan import Recipe
from webapp.experiments.selectors import ExperimentRow


class RecipeOut(Schema):
    """A kind of pipeline."""

    name: str
    family: str
    """language or control: which config it takes."""
    title: str
    summary: str
    settings: dict[str, Any]
    """JSON schema of `recipe_settings`, and of axes named `recipe.<field>`."""


def recipe_out(name: str, recipe: Recipe) -> RecipeOut:
    """Return a recipe as the API shows it."""
    schema = recipe.settings.model_json_schema()
    return RecipeOut(
        name=name,
        family=recipe.family,
        title=recipe.title,
        summary=recipe.summary,
        settings=schema,
    )


class ExperimentOut(Schema):
    """An experiment in a list."""

    id: int
    name: str
    question: str
    tags: list[str]
    owner: str
    recipe: str
    priority: int
    created_at: datetime
    cancelled_at: datetime | None
    cloned_from: int | None
    state: str
    progress: float
    """Share of its jobs' work that is done."""
    runs: int
    jobs: int
    """What it needs, shared jobs included."""
    succeeded: int
    running: int
    failed: int


def experiment_out(row: ExperimentRow) -> ExperimentOut:
    """Return a row of the list as the API shows it."""
    return ExperimentOut(
        **_own(row.experiment),
        state=row.state,
        progress=row.progress,
        runs=row.runs,
        jobs=row.jobs,
        succeeded=row.succeeded,
        running=row.running,
        failed=row.failed,
    )


def _own(experiment: Experiment) -> dict[str, Any]:
    return {
        "id": experiment.pk,
        "name": experiment.name,
        "question": experiment.question,
        "tags": experiment.tags,
        "owner": experiment.owner.get_username(),
        "recipe": experiment.recipe,
        "priority": experiment.priority,
        "created_at": experiment.created_at,
        "cancelled_at": experiment.cancelled_at,
        "cloned_from": experiment.cloned_from_id,
    }


class NodeOut(Schema):
    """A job in the experiment's graph."""

    id: int
    role: str
    kind: str
    title: str
    state: str
    level: int
    """Column of a drawing from left to right."""
    run_ids: list[int]
    shared_with: int
    """Other live experiments that need it."""
    progress: float
    eta_s: float | None
    failure_message: str


class RunOut(Schema):
    """A run: one compared group with one seed."""

    id: int
    experiment_id: int
    position: int
    label: str
    algorithm: str
    """Empty where nothing is trained: a policy's own evaluation."""
    seed: int
    state: str
    progress: float
    train_job_id: int | None
    evaluate_job_id: int | None
    summary: dict[str, Any]
    """Figures of the final evaluation; empty until there is one."""


class RunDetailOut(RunOut):
    """A run with its frozen configuration."""

    config: dict[str, Any]
    """Specs of its jobs by role."""


class ExperimentDetailOut(ExperimentOut):
    """An experiment with its config, graph and runs."""

    config: dict[str, Any]
    eta_s: float | None
    """Seconds until everything that can still run has run; null where unknown."""
    counts: dict[str, int]
    graph: list[NodeOut]
    edges: list[tuple[int, int]]
    """Ids of a job and of one that reads its artifact."""
    run_list: list[RunOut]


def detail_out(detail: ExperimentDetail) -> ExperimentDetailOut:
    """Return everything about an experiment as the API shows it."""
    return ExperimentDetailOut(
        **_own(detail.experiment),
        state=detail.state,
        progress=detail.progress,
        runs=len(detail.runs),
        jobs=len(detail.jobs),
        succeeded=detail.counts.get("succeeded", 0),
        running=detail.counts.get("running", 0),
        failed=detail.counts.get("failed", 0),
        config=detail.experiment.config,
        eta_s=detail.eta_s,
        counts=dict(detail.counts),
        graph=[_node(card) for card in detail.jobs],
        edges=list(detail.edges),
        run_list=[RunOut(**run_fields(card)) for card in detail.runs],
    )


def _node(card: JobCard) -> NodeOut:
    return NodeOut(
        id=card.job.pk,
        role=card.role,
        kind=card.job.kind,
        title=card.job.title,
        state=card.job.state,
        level=card.level,
        run_ids=list(card.run_ids),
        shared_with=card.shared_with,
        progress=card.progress,
        eta_s=card.eta_s,
        failure_message=card.job.failure_message,
    )


def run_fields(card: RunCard) -> dict[str, Any]:
    """Return the fields of a run as the API shows it."""
    return {
        "id": card.run.pk,
        "experiment_id": card.run.experiment_id,
        "position": card.run.position,
        "label": card.run.label,
        "algorithm": card.run.algorithm,
        "seed": card.run.seed,
        "state": card.state,
        "progress": card.progress,
        "train_job_id": card.train.job.pk if card.train else None,
        "evaluate_job_id": card.evaluate.job.pk if card.evaluate else None,
        "summary": dict(card.summary),
    }


class KeptOut(Schema):
    """A job that goes on after a cancellation."""

    job_id: int
    needed_by: list[str]


class CancelOut(Schema):
    """What a cancellation stopped and what it left running."""

    message: str
    stopped: list[int]
    kept: list[KeptOut]


def cancel_out(report: CancelReport) -> CancelOut:
    """Return the report of a cancellation as the API shows it."""
    return CancelOut(
        message=report.sentence,
        stopped=[job.pk for job in report.stopped],
        kept=[
            KeptOut(job_id=entry.job.pk, needed_by=list(entry.needed_by)) for entry in report.kept
        ],
    )
