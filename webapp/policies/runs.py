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
    iteration: int | None = None
    """Which of several trainings of the run it is; None for the last one."""

    @property
    def value(self) -> str:
        """What the form sends for it."""
        return str(self.pk) if self.iteration is None else f"{self.pk}@{self.iteration}"


def training_of(run_id: int, iteration: int | None) -> Job | None:
    """Return the training of a run, of one of its iterations before the last if asked for."""
    role = "train" if iteration is None else f"train@{iteration}"
    return Job.objects.filter(needed_by__run=run_id, needed_by__role=role).first()


def kept_steps(job: Job) -> Sequence[int]:
    """Return the updates after which a finished training kept a policy."""
    return _kept(job.artifact.summary.get("steps"), job.spec["settings"].get("keep_every"))


def _kept(steps: int | None, keep_every: int | None) -> Sequence[int]:
    return checkpoint_steps(steps or 0, keep_every or 0)


def trained_runs(*, limit: int = 200) -> list[TrainedRun]:
    """Return the runs that trained last, each iteration of a run by itself; one query."""
    is_training = models.Q(needed_by__role="train") | models.Q(needed_by__role__startswith="train@")
    jobs = Job.objects.filter(is_training, state=JobState.SUCCEEDED, needed_by__run__isnull=False)
    found = jobs.order_by("-finished_at", "-needed_by__run_id").values_list(
        "needed_by__run_id",
        "needed_by__experiment__name",
        "needed_by__run__label",
        "needed_by__run__seed",
        "artifact__summary__steps",
        "spec__settings__keep_every",
        "needed_by__role",
    )
    return [
        TrainedRun(pk, experiment, f"{label}, seed {seed}", _kept(steps, every), _iteration(role))
        for pk, experiment, label, seed, steps, every, role in found[:limit]
    ]


def _iteration(role: str) -> int | None:
    _, _, number = role.partition("@")
    return int(number) if number else None


def run_by_id(pk: int) -> models.Model:
    """Return a run.

    Raises:
        Http404: There is none with this number.
    """
    run = apps.get_model("experiments", "Run").objects.filter(pk=pk).first()
    if run is None:
        raise Http404(f"There is no run {pk} (any more).")
    return run
