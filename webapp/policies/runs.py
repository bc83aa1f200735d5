"""Runs whose checkpoint can be kept as a policy.

Runs belong to a layer above this one, so their model is asked for by name.
"""

from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.http import Http404

from webapp.jobs.models import Job
from webapp.jobs.states import JobState


@dataclass(frozen=True)
class TrainedRun:
    """A run whose training has succeeded."""

    pk: int
    experiment: str
    name: str


def trained_runs(*, limit: int = 200) -> list[TrainedRun]:
    """Return the runs that trained last; one query."""
    jobs = Job.objects.filter(
        state=JobState.SUCCEEDED, needed_by__role="train", needed_by__run__isnull=False
    )
    found = jobs.order_by("-finished_at", "-needed_by__run_id").values_list(
        "needed_by__run_id",
        "needed_by__experiment__name",
        "needed_by__run__label",
        "needed_by__run__seed",
    )
    return [
        TrainedRun(pk, experiment, f"{label}, seed {seed}")
        for pk, experiment, label, seed in found[:limit]
    ]


def run_by_id(pk: int) -> models.Model:
    """Return a run.

    Raises:
        Http404: There is none with this number.
    """
    run = apps.get_model("experiments", "Run").objects.filter(pk=pk).first()
    if run is None:
        raise Http404(f"There is no run {pk} (any more).")
    return run
