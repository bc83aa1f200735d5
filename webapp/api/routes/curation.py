"""Curation: what steps keep of a graded set, and named sets made of it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from pydantic import Field

from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import Composition
from webapp.api.auth import caller
from webapp.api.schemas.common import Page, RangeQuery, page_of
from webapp.api.schemas.jobs import summary_of
from webapp.curation import selectors, services
from webapp.curation.content import source_job
from webapp.curation.models import CuratedSet
from webapp.jobs.models import Job

router = Router(tags=["curation"])


class PreviewIn(CurateSpec):
    """Steps, their seed, and the dials that the composition is looked at with."""

    baseline: float = Field(0.0, ge=-1, le=1)
    """Baseline c at which p_eff is told."""
    batch_size: int = Field(128, ge=1, le=65_536)
    """Completions per optimizer step."""


class StageOut(Schema):
    """What one step did."""

    op: str
    before: int
    after: int
    warning: str


class PreviewOut(Schema):
    """A set before and after its steps."""

    before: dict[str, Any]
    after: dict[str, Any]
    stages: list[StageOut]


class CuratedSetIn(CurateSpec):
    """A named set; a job makes it."""

    name: str
    rollouts: int
    """Job of the graded completions."""


class CuratedSetOut(Schema):
    """A named set."""

    id: int
    name: str
    owner: str
    created_at: datetime
    job_id: int
    state: str
    spec: dict[str, Any]
    summary: dict[str, Any]


@router.post("/rollouts/{job_id}/curation", response=PreviewOut)
def curation_preview(request: HttpRequest, job_id: int, payload: PreviewIn) -> PreviewOut:
    """Return the composition before and after the steps; nothing is stored."""
    spec = CurateSpec(steps=payload.steps, seed=payload.seed)
    found = services.curation_preview(source=_source(job_id), spec=spec)
    return PreviewOut(
        before=_composition(found.before, payload),
        after=_composition(found.after, payload),
        stages=[StageOut.model_validate(asdict(stage)) for stage in found.curated.stages],
    )


@router.get("/curated-sets", response=Page[CuratedSetOut])
def curated_sets(request: HttpRequest, asked: RangeQuery) -> Page[CuratedSetOut]:
    """Return curated sets, the newest first."""
    return page_of(selectors.curated_sets(), asked, curated_set_out)


@router.post("/curated-sets", response={201: CuratedSetOut})
def curated_set_create(request: HttpRequest, payload: CuratedSetIn) -> Status[CuratedSetOut]:
    """Make a named set; the same steps, seed and source are never computed twice."""
    made = services.curated_set_create(
        owner=caller(request),
        name=payload.name,
        source=_source(payload.rollouts),
        spec=CurateSpec(steps=payload.steps, seed=payload.seed),
    )
    return Status(201, curated_set_out(made))


@router.delete("/curated-sets/{set_id}", response={204: None})
def curated_set_delete(request: HttpRequest, set_id: int) -> Status[None]:
    """Delete the name of a curated set."""
    found = get_object_or_404(CuratedSet.objects.select_related("job"), pk=set_id)
    services.curated_set_delete(curated_set=found, user=caller(request))
    return Status(204, None)


def curated_set_out(row: CuratedSet) -> CuratedSetOut:
    """Return a curated set as the API shows it."""
    return CuratedSetOut(
        id=row.pk,
        name=row.name,
        owner=row.owner.get_username(),
        created_at=row.created_at,
        job_id=row.job_id,
        state=row.job.state,
        spec=row.job.spec,
        summary=summary_of(row.job),
    )


def _composition(found: Composition, asked: PreviewIn) -> dict[str, Any]:
    return {
        **asdict(found),
        "positive_share": found.positive_share,
        "effective_share": found.effective_share(asked.baseline),
        "steps": found.steps(asked.batch_size),
    }


def _source(job_id: int) -> Job:
    try:
        return source_job(job_id)
    except Job.DoesNotExist:
        raise Http404(f"Job {job_id} has no graded completions.") from None
