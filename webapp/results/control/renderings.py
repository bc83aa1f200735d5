"""Rendered episodes of an evaluation: asked for, found again, read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from pydantic import ValidationError as Invalid

from algorithms.base import CorruptArtifactError, UserError
from algorithms.catalogue import CORRECTIONS
from algorithms.control_derived_specs import MOST_RENDERED, RenderEpisodesSpec
from algorithms.control_specs import EvaluateControlSpec
from algorithms.evaluation.renderings import RenderedEpisode, Renderings, read_renderings
from webapp.accounts.models import User
from webapp.jobs.failures import POLICIES
from webapp.jobs.graph import Given, Kept, Node, Source
from webapp.jobs.models import Job, JobInput
from webapp.jobs.services import jobs_ensure
from webapp.jobs.states import FailureClass
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results import selectors
from webapp.results.control.comparison import correction_title
from webapp.results.control.episodes import episodes_of
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import CONTROL_EVALUATION

KIND = "render_episodes"
SHOWN = 10
"""Renderings of one evaluation that its page shows, the newest."""
USUAL = 2
Which = Literal["first", "worst", "best"]
WHICH: tuple[Which, ...] = get_args(Which)


@dataclass(frozen=True)
class Side:
    """One half of a picture."""

    title: str
    total: float
    """Return of the episode."""
    steps: int


@dataclass(frozen=True)
class Film:
    """One rendered episode, as the page shows it."""

    episode: RenderedEpisode
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Rendered:
    """One job that renders episodes, and what it made so far."""

    job: Job
    found: Renderings | None
    films: tuple[Film, ...]
    damage: str
    advice: str


def seeds_to_render(evaluation: Job, *, count: int, which: Which) -> tuple[int, ...]:
    """Return reset seeds of episodes of a finished evaluation.

    Args:
        which: The first ones, or those of the smallest or the largest return.

    Raises:
        UserError: the evaluation is not finished, or its episodes cannot be read.
    """
    artifact = selectors.artifact_row(evaluation)
    if evaluation.kind != CONTROL_EVALUATION or artifact is None:
        raise UserError("Only episodes of a finished evaluation in control can be rendered.")
    try:
        episodes = episodes_of(artifact)
    except OutcomesMissing as error:
        raise UserError(str(error)) from error
    order = {
        "first": np.arange(len(episodes)),
        "worst": np.argsort(episodes.returns, kind="stable"),
        "best": np.argsort(-episodes.returns, kind="stable"),
    }[which]
    return tuple(int(seed) for seed in episodes.seeds[order[: min(count, MOST_RENDERED)]])


def episodes_render(*, user: User, evaluation: Job, reset_seeds: Sequence[int]) -> Job:
    """Return the job that renders episodes of an evaluation; the same ones are rendered once.

    Raises:
        UserError: the job is no evaluation in control, or there are no or too many seeds.
    """
    if evaluation.kind != CONTROL_EVALUATION:
        raise UserError(f"Job {evaluation.pk} is no evaluation in control: it has no episodes.")
    if not reset_seeds:
        raise UserError("Name at least one episode.")
    try:
        spec = RenderEpisodesSpec(
            evaluation=EvaluateControlSpec.model_validate(evaluation.spec),
            reset_seeds=tuple(dict.fromkeys(reset_seeds)),
        )
    except Invalid as error:
        raise UserError(
            f"At most {MOST_RENDERED} episodes are rendered at once; ask for the others after."
        ) from error
    name = spec.correction
    node = Node(
        kind=KIND,
        spec=spec,
        title=f"Render episodes: {evaluation.title}"[:200],
        inputs={edge.role: _source(edge) for edge in _edges(evaluation)},
        label=evaluation.label,
        code_version=f"{name}-{CORRECTIONS[name].version}" if name in CORRECTIONS else "",
    )
    return jobs_ensure(nodes=[node], user=user)[node.fingerprint]


def renderings_of(evaluation: Job) -> list[Rendered]:
    """Return what was rendered of an evaluation, the newest first."""
    try:
        told = EvaluateControlSpec.model_validate(evaluation.spec).model_dump(mode="json")
    except Invalid:
        return []  # of an older version: nothing can have been rendered of it
    policy = next((edge for edge in _edges(evaluation) if edge.role == "policy"), None)
    if policy is None:
        return []
    jobs = (
        Job.objects.filter(kind=KIND, spec__evaluation=told)
        .filter(inputs__role="policy", inputs__source=policy.source_id)
        .select_related("artifact")
        .order_by("-pk")
    )
    same = {(edge.role, edge.source_id, edge.checkpoint) for edge in _edges(evaluation)}
    own = (
        job for job in jobs
        if {(edge.role, edge.source_id, edge.checkpoint) for edge in _edges(job)} == same
    )  # fmt: skip
    return [rendered(job) for _, job in zip(range(SHOWN), own, strict=False)]


def rendered(job: Job) -> Rendered:
    """Return what a job that renders episodes made so far."""
    failure = job.failure_class
    advice = POLICIES[FailureClass(failure)].advice if failure else ""
    artifact = selectors.artifact_row(job)
    if artifact is None:
        return Rendered(job, None, (), "", advice)
    try:
        found = read_renderings(default_store().folder(artifact.path))
    except (ArtifactDamaged, CorruptArtifactError) as error:
        return Rendered(job, None, (), f"{error} Recompute job {job.pk} on its page.", advice)
    correction = str(job.spec["evaluation"]["correction"])
    titles = ("The policy as it acts", correction_title(correction))
    films = tuple(
        Film(each, tuple(map(Side, titles, each.returns, each.lengths))) for each in found.episodes
    )
    return Rendered(job, found, films, "", advice)


def _edges(job: Job) -> list[JobInput]:
    return list(JobInput.objects.filter(job=job).select_related("source").order_by("role"))


def _source(edge: JobInput) -> Source:
    given = Given(edge.source.fingerprint)
    return given if edge.checkpoint is None else Kept(given, edge.checkpoint)
