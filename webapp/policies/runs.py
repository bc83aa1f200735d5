"""Runs whose checkpoint can be kept as a policy.

Runs belong to a layer above this one, so their model is asked for by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.http import Http404

from algorithms.checkpoints import checkpoint_steps
from webapp.jobs.models import Job
from webapp.jobs.states import JobState


@dataclass(frozen=True)
class TrainedRun:
    """A run whose training has succeeded."""

    pk: int
    experiment: str
    name: str
    kept: Sequence[int]
    """Updates after which it kept a policy, beside the last."""


def kept_steps(job: Job) -> Sequence[int]:
    """Return the updates after which a finished training kept a policy."""
    return _kept(job.artifact.summary.get("steps"), job.spec["settings"].get("keep_every"))


def _kept(steps: int | None, keep_every: int | None) -> Sequence[int]:
    return checkpoint_steps(steps or 0, keep_every or 0)


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
        "artifact__summary__steps",
        "spec__settings__keep_every",
    )
    return [
        TrainedRun(pk, experiment, f"{label}, seed {seed}", _kept(steps, every))
        for pk, experiment, label, seed, steps, every in found[:limit]
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
