"""Experiments and their runs; states are derived from jobs, never stored."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from webapp.jobs.models import Job


class Experiment(models.Model):
    """A question: a recipe, its settings, axes and seeds."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=160)
    question = models.TextField(blank=True)
    """What it should answer; notes."""
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    recipe = models.CharField(max_length=40, default="offline")
    config = models.JSONField()
    """A validated config of its recipe: `webapp.experiments.configs.config_of`."""
    priority = models.IntegerField(default=0)
    launch_key = models.UUIDField(default=uuid.uuid4, unique=True)
    """Sent with the form, so that a double click launches once."""
    cloned_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    """A cancelled experiment no longer needs its jobs."""

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One cell of the matrix: a frozen configuration and a seed."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    position = models.IntegerField()
    label = models.CharField(max_length=160)
    """Name of the compared group, without the seed: what a mean is taken over."""
    algorithm = models.CharField(max_length=40, blank=True)
    """File name of the algorithm; empty for the base policy's own run."""
    seed = models.IntegerField(default=0)
    config = models.JSONField()
    """Specs of its own jobs by role, as planned."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "position"], name="one_run_per_position"),
        ]

    def __str__(self) -> str:
        return f"{self.label}, seed {self.seed}"


class ExperimentJob(models.Model):
    """A job that an experiment needs, for one of its runs or (run empty) for all of them."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="needs")
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, null=True, blank=True, related_name="needs"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="needed_by")
    role = models.CharField(max_length=40)
    """What it is to the run: dataset, policy, generate, grade, train, evaluate."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "run", "job"],
                name="one_need_per_run_and_job",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.experiment_id}"
