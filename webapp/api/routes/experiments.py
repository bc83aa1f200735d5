"""Experiments and runs: preview, launch, look, extend, cancel, retry, delete, clone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from webapp.api.auth import caller
from webapp.api.schemas.common import Page, RangeQuery
from webapp.api.schemas.configs import FIELDS, ConfigBody, ConfigIn
from webapp.api.schemas.experiments import (
    CancelOut,
    ExperimentDetailOut,
    ExperimentOut,
    RunDetailOut,
    cancel_out,
    detail_out,
    experiment_out,
    run_fields,
)
from webapp.api.schemas.previews import PreviewOut, preview_out
from webapp.experiments import selectors, services
from webapp.experiments.detail import experiment_detail
from webapp.experiments.models import Experiment, Run
from webapp.jobs.states import JobState

router = Router(tags=["experiments"])
runs_router = Router(tags=["experiments"])


class LaunchIn(Schema):
    """An experiment to launch."""

    name: str
    question: str = ""
    """What it should answer."""
    tags: list[str] = []
    config: ConfigIn
    priority: int = 0
    """Higher runs earlier."""
    launch_key: UUID | None = None
    """Of your making; launching twice with one key returns the first experiment."""
    cloned_from: int | None = None


class ChangeIn(Schema):
    """What may be changed of a launched experiment."""

    name: str
    question: str = ""
    tags: list[str] = []


class PriorityIn(Schema):
    """How urgent, -100 to 100; higher runs earlier."""

    priority: int


class RetriedOut(Schema):
    """How many jobs are tried again."""

    retried: int


@router.get("", response=Page[ExperimentOut])
def experiments(
    request: HttpRequest,
    asked: RangeQuery,
    *,
    search: str = "",
    tag: str = "",
    owner: str = "",
    state: JobState | None = None,
) -> dict[str, Any]:
    """Return experiments with state and progress, the newest first."""
    page = selectors.experiment_page(
        search=search, tag=tag, owner=owner, state=state, offset=asked.offset, limit=asked.limit
    )
    items = [experiment_out(row) for row in page.rows]
    return {"items": items, "total": page.total, "offset": page.offset, "limit": page.limit}


@router.post("/preview", response=PreviewOut)
def experiment_preview(request: HttpRequest, payload: ConfigBody) -> PreviewOut:
    """Return what launching this config would run, and how much of it exists already."""
    return preview_out(services.experiment_preview(config=payload.root))


@router.post("", response={201: ExperimentDetailOut})
def experiment_launch(request: HttpRequest, payload: LaunchIn) -> Status[ExperimentDetailOut]:
    """Launch an experiment; jobs that exist already are shared."""
    cloned_from = None
    if payload.cloned_from is not None:
        cloned_from = get_object_or_404(Experiment, pk=payload.cloned_from)
    with _paths_below("config"):
        experiment = services.experiment_launch(
            owner=caller(request),
            name=payload.name,
            question=payload.question,
            tags=payload.tags,
            config=payload.config,
            priority=payload.priority,
            launch_key=payload.launch_key,
            cloned_from=cloned_from,
        )
    return Status(201, detail_out(experiment_detail(experiment)))


@contextmanager
def _paths_below(name: str) -> Iterator[None]:
    """Name the fields of the config as the caller sent them: below `config`."""
    try:
        yield
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        raise ValidationError(
            {
                f"{name}.{field}" if field.partition(".")[0] in FIELDS else field: messages
                for field, messages in error.message_dict.items()
            }
        ) from error


@router.get("/{experiment_id}", response=ExperimentDetailOut)
def experiment(request: HttpRequest, experiment_id: int) -> ExperimentDetailOut:
    """Return an experiment with its graph of jobs and its runs."""
    return detail_out(experiment_detail(_experiment(experiment_id)))


@router.get("/{experiment_id}/config", response=dict[str, Any])
def experiment_config(request: HttpRequest, experiment_id: int) -> dict[str, Any]:
    """Return the config to start a clone from."""
    return selectors.clone_config(_experiment(experiment_id)).model_dump(mode="json")


@router.put("/{experiment_id}", response=ExperimentDetailOut)
def experiment_update(
    request: HttpRequest, experiment_id: int, payload: ChangeIn
) -> ExperimentDetailOut:
    """Change name, question and tags."""
    changed = services.experiment_update(
        experiment=_experiment(experiment_id),
        user=caller(request),
        name=payload.name,
        question=payload.question,
        tags=payload.tags,
    )
    return detail_out(experiment_detail(changed))


@router.post("/{experiment_id}/extend", response=ExperimentDetailOut)
def experiment_extend(
    request: HttpRequest, experiment_id: int, payload: ConfigBody
) -> ExperimentDetailOut:
    """Add algorithms, seeds or axis values; what is there stays."""
    extended = services.experiment_extend(
        experiment=_experiment(experiment_id), config=payload.root, user=caller(request)
    )
    return detail_out(experiment_detail(extended))


@router.post("/{experiment_id}/cancel", response=CancelOut)
def experiment_cancel(request: HttpRequest, experiment_id: int) -> CancelOut:
    """Cancel an experiment; jobs that others need go on and are listed."""
    report = services.experiment_cancel(experiment=_experiment(experiment_id), user=caller(request))
    return cancel_out(report)


@router.post("/{experiment_id}/retry", response=RetriedOut)
def experiment_retry(request: HttpRequest, experiment_id: int) -> RetriedOut:
    """Try again what failed or was cancelled, nothing else."""
    retried = services.experiment_retry_failed(
        experiment=_experiment(experiment_id), user=caller(request)
    )
    return RetriedOut(retried=retried)


@router.post("/{experiment_id}/priority", response={204: None})
def experiment_priority(
    request: HttpRequest, experiment_id: int, payload: PriorityIn
) -> Status[None]:
    """Run an experiment's jobs earlier or later."""
    services.experiment_set_priority(
        experiment=_experiment(experiment_id), priority=payload.priority, user=caller(request)
    )
    return Status(204, None)


@router.delete("/{experiment_id}", response={204: None})
def experiment_delete(request: HttpRequest, experiment_id: int) -> Status[None]:
    """Delete an experiment on which nothing depends; artifacts stay until pruned."""
    services.experiment_delete(experiment=_experiment(experiment_id), user=caller(request))
    return Status(204, None)


@runs_router.get("/{run_id}", response=RunDetailOut)
def run(request: HttpRequest, run_id: int) -> RunDetailOut:
    """Return a run with its frozen configuration."""
    found = get_object_or_404(Run.objects.select_related("experiment"), pk=run_id)
    cards = experiment_detail(found.experiment).runs
    card = next(card for card in cards if card.run.pk == found.pk)
    return RunDetailOut(**run_fields(card), config=found.config)


def _experiment(pk: int) -> Experiment:
    return get_object_or_404(Experiment.objects.select_related("owner"), pk=pk)
