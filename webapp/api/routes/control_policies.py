"""Policies for control: trained online, scripted, taken in; their stages."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, Schema, Status, UploadedFile

from algorithms.control_specs import ImportPolicySpec, TrainBehaviourSpec
from webapp.api.auth import caller
from webapp.api.schemas.catalogue import PolicyOut, policy_out
from webapp.datasets import staging
from webapp.jobs.models import Job
from webapp.policies import selectors
from webapp.policies.control import files, keeping, pages, services

router = Router(tags=["control policies"])


class ControlPolicyIn(Schema):
    """A policy that a job takes in: scripted, a path on the worker, or a Python function."""

    name: str
    description: str = ""
    spec: ImportPolicySpec
    label: str = "cpu"
    """Queue of its job."""


class BehaviourIn(Schema):
    """A behaviour policy that a job trains online."""

    name: str
    description: str = ""
    spec: TrainBehaviourSpec
    label: str = "cpu"
    """Queue of its job."""


class FromCheckpointIn(Schema):
    """The last good checkpoint of a training that did not end, as a policy."""

    name: str
    description: str = ""
    job_id: int
    """The training that failed or was cancelled."""
    label: str = "cpu"
    """Queue of its job."""


class PolicyUploadIn(Schema):
    """What an uploaded policy is."""

    name: str
    description: str = ""
    source: Literal["sb3", "torchscript", "onnx"]
    environment: str


@router.post("", response={201: PolicyOut})
def control_policy_create(request: HttpRequest, payload: ControlPolicyIn) -> Status[PolicyOut]:
    """Make a policy for control from a source."""
    policy = services.control_policy_from_source(owner=caller(request), **dict(payload))
    return Status(201, policy_out(policy))


@router.post("/train", response={201: PolicyOut})
def behaviour_train(request: HttpRequest, payload: BehaviourIn) -> Status[PolicyOut]:
    """Train a behaviour policy online, in stages."""
    policy = services.behaviour_train(owner=caller(request), **dict(payload))
    return Status(201, policy_out(policy))


@router.post("/from-checkpoint", response={201: PolicyOut})
def policy_from_checkpoint(request: HttpRequest, payload: FromCheckpointIn) -> Status[PolicyOut]:
    """Make a policy of the last good checkpoint of a training that diverged or was cancelled."""
    policy = keeping.policy_from_checkpoint(
        owner=caller(request),
        name=payload.name,
        job=get_object_or_404(Job, pk=payload.job_id),
        description=payload.description,
        label=payload.label,
    )
    return Status(201, policy_out(policy))


@router.post("/upload", response={201: PolicyOut})
def control_policy_upload(
    request: HttpRequest,
    payload: Annotated[PolicyUploadIn, Form()],
    file: Annotated[UploadedFile, File()],
    normalisation: Annotated[UploadedFile | None, File()] = None,
) -> Status[PolicyOut]:
    """Make a policy for control of a file; `normalisation` is the vecnormalize.pkl beside it."""
    spec = ImportPolicySpec(source=payload.source, environment=payload.environment)
    services.require_possible(spec)
    user, name = caller(request), file.name or ""
    staged = staging.stage(owner=user, filename=name, chunks=file.chunks(), family=payload.source)
    try:
        moments = files.kept(user, normalisation, "", purpose="normalisation", field="file")
        if payload.source == "sb3":
            files.require_sb3(staged, moments, payload.environment)
        policy = services.control_policy_upload(
            owner=user,
            name=payload.name,
            spec=spec,
            staged=staged,
            normalisation=moments,
            description=payload.description,
        )
    finally:
        staging.discard(staged)
    return Status(201, policy_out(policy))


@router.get("/{policy_id}", response=dict[str, Any])
def control_policy(request: HttpRequest, policy_id: int) -> dict[str, Any]:
    """Return a policy for control: environment, spaces, origin, and its stages with returns."""
    policy = get_object_or_404(selectors.policies(family="control"), pk=policy_id)
    page = pages.control_page(policy)
    return {
        **policy_out(policy).model_dump(mode="json"),
        "environment": page.environment,
        "spaces": dict(page.spaces),
        "origin": dict(page.origin),
        "stages": [asdict(stage) for stage in page.stages],
        "planned_stages": page.planned_stages,
        "keeps_replay": page.keeps_replay,
    }
