"""Transitions for offline control: upload, from a source, collecting, figures, files."""

from typing import Annotated, Any

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, Schema, Status, UploadedFile

from algorithms.base import UserError
from algorithms.control_derived_specs import LeaveOutSpec
from algorithms.control_specs import CollectSpec, TransitionsSettings, TransitionsSpec
from webapp.api.auth import caller
from webapp.api.schemas.catalogue import DatasetOut, dataset_out
from webapp.datasets import selectors, staging
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import content, leaving_out, services
from webapp.datasets.transitions.looking import look
from webapp.jobs.models import Artifact
from webapp.policies.models import Policy
from webapp.results.rollout_exports import in_threads

router = Router(tags=["transitions"])


class TransitionsIn(Schema):
    """Transitions that a job reads."""

    name: str
    description: str = ""
    spec: TransitionsSpec
    """Path on the worker, or Minari id, and what is known of the data."""
    label: str = "cpu"
    """Queue of the job."""


class CollectIn(Schema):
    """Transitions that a job collects."""

    name: str
    description: str = ""
    spec: CollectSpec
    """Environment, parts, amount."""
    policies: dict[str, int] = {}
    """Ids of control policies by the role that parts name: policy, policy_2, policy_3."""
    label: str = "cpu"
    """Queue of the job."""


class LeaveOutIn(Schema):
    """Transitions of a data set without the steps in a region of the state space."""

    name: str
    description: str = ""
    dataset_id: int
    spec: LeaveOutSpec
    """The region, and which steps are in it."""
    label: str = "cpu"
    """Queue of the job."""


class UploadIn(Schema):
    """What an uploaded file of transitions is; what is empty is taken from the file."""

    name: str
    description: str = ""
    environment: str = ""
    reference: str = ""
    """D4RL id, for its reference returns."""
    action_low: float | None = None
    action_high: float | None = None
    episode_steps: int | None = None
    """Steps after which an episode was cut, for data without time-outs."""


@router.post("", response={201: DatasetOut})
def transitions_upload(
    request: HttpRequest,
    payload: Annotated[UploadIn, Form()],
    file: Annotated[UploadedFile, File()],
) -> Status[DatasetOut]:
    """Make a data set of a D4RL, Minari or NPZ file; what is wrong is told before it is stored."""
    told = payload.model_dump(exclude={"name", "description"})
    spec = TransitionsSpec.model_validate(TransitionsSettings.model_validate(told).model_dump())
    staged = staging.stage(
        owner=caller(request), filename=file.name or "", chunks=file.chunks(), family="transitions"
    )
    try:
        seen = look(staged.path, spec)
        if seen.error:
            raise UserError(seen.error)
        dataset = services.transitions_import(
            owner=caller(request),
            name=payload.name,
            staged=staged,
            spec=spec,
            description=payload.description,
        )
    finally:
        staging.discard(staged)
    return Status(201, dataset_out(dataset))


@router.post("/from-source", response={201: DatasetOut})
def transitions_from_source(request: HttpRequest, payload: TransitionsIn) -> Status[DatasetOut]:
    """Make a data set of transitions that a worker reads from its disk or from Minari."""
    dataset = services.transitions_from_source(owner=caller(request), **dict(payload))
    return Status(201, dataset_out(dataset))


@router.post("/collect", response={201: DatasetOut})
def transitions_collect(request: HttpRequest, payload: CollectIn) -> Status[DatasetOut]:
    """Collect transitions of behaviour policies in an environment."""
    policies = {
        role: get_object_or_404(Policy.objects.select_related("job"), pk=pk)
        for role, pk in payload.policies.items()
    }
    told = dict(payload) | {"policies": policies}
    dataset = services.transitions_collect(owner=caller(request), **told)
    return Status(201, dataset_out(dataset))


@router.post("/leave-out", response={201: DatasetOut})
def transitions_leave_out(request: HttpRequest, payload: LeaveOutIn) -> Status[DatasetOut]:
    """Make a data set of another one's transitions without a region of the state space."""
    given = get_object_or_404(selectors.datasets(), pk=payload.dataset_id)
    dataset = leaving_out.transitions_leave_out(
        owner=caller(request),
        name=payload.name,
        dataset=given,
        spec=payload.spec,
        description=payload.description,
        label=payload.label,
    )
    return Status(201, dataset_out(dataset))


@router.get("/{dataset_id}/statistics", response=dict[str, Any])
def transitions_statistics(request: HttpRequest, dataset_id: int) -> dict[str, Any]:
    """Return the figures of a data set: episodes, returns, lengths, coverage, warnings."""
    return content.statistics_of(_artifact(dataset_id)).model_dump(mode="json")


@router.get(
    "/{dataset_id}/episodes.csv", openapi_extra={"responses": {200: {"description": "CSV"}}}
)
def transitions_episodes(request: HttpRequest, dataset_id: int) -> StreamingHttpResponse:
    """Return a line per episode: rows, steps, return, how it ended."""
    data = content.transitions_of(_artifact(dataset_id))
    lines = (line.decode() for line in content.episodes_csv(data))
    return StreamingHttpResponse(in_threads(lines), content_type="text/csv; charset=utf-8")


def _artifact(pk: int) -> Artifact:
    dataset: Dataset = get_object_or_404(selectors.datasets(family="transitions"), pk=pk)
    artifact: Artifact | None = getattr(dataset.job, "artifact", None)
    if artifact is None:
        state = dataset.job.state
        raise UserError(f"“{dataset}” has no transitions yet: job {dataset.job_id} is {state}.")
    return artifact
