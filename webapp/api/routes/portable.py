"""Experiments as YAML: sources by what makes them, not by ids."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from webapp.api.auth import caller
from webapp.api.schemas.experiments import ExperimentDetailOut, detail_out
from webapp.experiments.detail import experiment_detail
from webapp.experiments.models import Experiment
from webapp.experiments.planner import plan
from webapp.experiments.portable.services import checked, experiment_import
from webapp.experiments.portable.writing import experiment_yaml

router = Router(tags=["experiments"])


class CheckIn(Schema):
    """A file."""

    text: str
    """YAML: ours, or a configuration of Trinity-RFT."""


class ImportIn(CheckIn):
    """A file to launch."""

    name: str = ""
    """Instead of the file's."""
    launch_key: UUID | None = None
    """Of your making; launching twice with one key returns the first experiment."""


class CheckOut(Schema):
    """What a file would run, whatever exists already."""

    name: str
    runs: int
    jobs: dict[str, int]
    """Number by kind, those that make its sources not counted."""
    not_understood: list[str]
    """Settings of Trinity-RFT without a meaning here."""


class ImportOut(Schema):
    """A launched file."""

    experiment: ExperimentDetailOut
    made: list[str]
    """Datasets and policies that were missing."""
    not_understood: list[str]


@router.get("/{experiment_id}/yaml", response={200: str})
def experiment_as_yaml(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Return an experiment as a YAML file."""
    found = get_object_or_404(Experiment, pk=experiment_id)
    return HttpResponse(experiment_yaml(found), content_type="application/yaml; charset=utf-8")


@router.post("/yaml/check", response=CheckOut)
def yaml_check(request: HttpRequest, payload: CheckIn) -> CheckOut:
    """Say what is wrong with a file, by line and field, or what it would run; makes nothing."""
    reading = checked(payload.text)
    assert reading.config is not None  # no problems
    made = plan(reading.config, reading.nodes.fingerprints)
    return CheckOut(
        name=reading.document.name if reading.document else "",
        runs=len(made.runs),
        jobs=dict(made.jobs_by_kind),
        not_understood=list(reading.not_understood),
    )


@router.post("/yaml", response={201: ImportOut})
def yaml_import(request: HttpRequest, payload: ImportIn) -> Status[ImportOut]:
    """Launch the experiment of a file; sources that are missing are made."""
    experiment, found = experiment_import(
        owner=caller(request),
        text=payload.text,
        name=payload.name,
        launch_key=payload.launch_key,
    )
    detail = detail_out(experiment_detail(experiment))
    out = ImportOut(
        experiment=detail, made=list(found.made), not_understood=list(found.not_understood)
    )
    return Status(201, out)
