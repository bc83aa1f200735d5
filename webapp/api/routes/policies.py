"""Policies: list, from a source, from a run, delete."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from algorithms.specs import PolicySpec, TrainSpec
from webapp.api.auth import caller
from webapp.api.schemas.catalogue import PolicyOut, policy_out
from webapp.api.schemas.common import Page, RangeQuery, page_of
from webapp.datasets.models import Dataset
from webapp.experiments.models import Run
from webapp.policies import selectors, services
from webapp.policies.families import Family
from webapp.policies.models import Policy

router = Router(tags=["policies"])


class PolicyIn(Schema):
    """A policy that a job makes."""

    name: str
    description: str = ""
    spec: PolicySpec
    """Tiny random model, path on the worker, or hub id."""
    warm_start: TrainSpec | None = None
    """Supervised training on reference answers first."""
    dataset_id: int | None = None
    """What the warm start learns from."""
    label: str = "cpu"
    """Queue of its jobs."""


class FromRunIn(Schema):
    """A policy that a run ended with, or kept on its way."""

    name: str
    description: str = ""
    run_id: int
    checkpoint: int | None = None
    """Updates after which it was kept; empty for the last one."""
    iteration: int | None = None
    """Which of several trainings of the run; empty for the last one."""


@router.get("", response=Page[PolicyOut])
def policies(
    request: HttpRequest, asked: RangeQuery, search: str = "", family: Family | None = None
) -> Page[PolicyOut]:
    """Return policies, the newest first: language models, those of control, or both."""
    return page_of(selectors.policies(search=search, family=family), asked, policy_out)


@router.post("", response={201: PolicyOut})
def policy_create(request: HttpRequest, payload: PolicyIn) -> Status[PolicyOut]:
    """Make a policy from a source, supervised first if asked for."""
    dataset = None
    if payload.dataset_id is not None:
        dataset = get_object_or_404(Dataset, pk=payload.dataset_id)
    policy = services.policy_from_source(
        owner=caller(request),
        name=payload.name,
        spec=payload.spec,
        warm_start=payload.warm_start,
        dataset=dataset,
        description=payload.description,
        label=payload.label,
    )
    return Status(201, policy_out(policy))


@router.post("/from-run", response={201: PolicyOut})
def policy_from_run(request: HttpRequest, payload: FromRunIn) -> Status[PolicyOut]:
    """Make a policy of what a run ended with, or kept on its way."""
    policy = services.policy_from_run(
        owner=caller(request),
        name=payload.name,
        run=get_object_or_404(Run, pk=payload.run_id),
        description=payload.description,
        checkpoint=payload.checkpoint,
        iteration=payload.iteration,
    )
    return Status(201, policy_out(policy))


@router.get("/{policy_id}", response=PolicyOut)
def policy(request: HttpRequest, policy_id: int) -> PolicyOut:
    """Return one policy."""
    return policy_out(get_object_or_404(selectors.policies(), pk=policy_id))


@router.delete("/{policy_id}", response={204: None})
def policy_delete(request: HttpRequest, policy_id: int) -> Status[None]:
    """Delete a policy that nothing uses."""
    found = get_object_or_404(Policy, pk=policy_id)
    services.policy_delete(policy=found, user=caller(request))
    return Status(204, None)
