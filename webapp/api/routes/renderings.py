"""Rendered episodes of evaluations in control."""

from typing import Literal

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from algorithms.control_derived_specs import MOST_RENDERED
from webapp.api.auth import caller
from webapp.jobs.models import Job
from webapp.results.control import rendering_views
from webapp.results.control import renderings as made
from webapp.results.rows import CONTROL_EVALUATION

router = Router(tags=["results"])


class RenderIn(Schema):
    """Which episodes of an evaluation are rendered."""

    count: int = Field(made.USUAL, ge=1, le=MOST_RENDERED)
    which: Literal["first", "worst", "best"] = "first"
    """The first of the evaluation, or those of the smallest or largest return."""
    reset_seeds: list[int] = Field([], max_length=MOST_RENDERED)
    """These episodes instead."""


class FilmOut(Schema):
    """One rendered episode: the policy as it is, and corrected where the evaluation corrects."""

    reset_seed: int
    returns: list[float]
    lengths: list[int]
    url: str
    """Animated WebP, the sides beside each other."""


class RenderingOut(Schema):
    """A job that renders episodes, and what it made so far."""

    job_id: int
    state: str
    failure: str
    speed: float | None
    """Seconds of the environment per second of the animation."""
    episodes: list[FilmOut]


def _out(found: made.Rendered) -> RenderingOut:
    def film(one: made.Film) -> FilmOut:
        url = reverse("api:rendered_file", args=[found.job.pk, one.episode.file])
        told = one.episode
        return FilmOut(
            reset_seed=told.reset_seed,
            returns=list(told.returns),
            lengths=list(told.lengths),
            url=url,
        )

    return RenderingOut(
        job_id=found.job.pk,
        state=found.job.state,
        failure=found.job.failure_message or found.damage,
        speed=found.found.speed if found.found else None,
        episodes=[film(one) for one in found.films],
    )


@router.get("/jobs/{job_id}/renderings", response=list[RenderingOut])
def renderings(request: HttpRequest, job_id: int) -> list[RenderingOut]:
    """Return what was rendered of an evaluation in control, the newest first."""
    return [_out(one) for one in made.renderings_of(_evaluation(job_id))]


@router.post("/jobs/{job_id}/renderings", response={201: RenderingOut})
def render(request: HttpRequest, job_id: int, payload: RenderIn) -> Status[RenderingOut]:
    """Render episodes of an evaluation in control."""
    evaluation = _evaluation(job_id)
    seeds = payload.reset_seeds or made.seeds_to_render(
        evaluation, count=payload.count, which=payload.which
    )
    job = made.episodes_render(user=caller(request), evaluation=evaluation, reset_seeds=seeds)
    return Status(201, _out(made.rendered(job)))


@router.get("/renderings/{job_id}/{name}", url_name="rendered_file")
def rendered_file(request: HttpRequest, job_id: int, name: str) -> FileResponse:
    """Return an animation of a job that rendered episodes."""
    job = get_object_or_404(Job.objects.select_related("artifact"), pk=job_id, kind=made.KIND)
    return rendering_views.picture_of(job, name)


def _evaluation(pk: int) -> Job:
    return get_object_or_404(Job, pk=pk, kind=CONTROL_EVALUATION)
