"""Policies: models that can act."""

from django.conf import settings
from django.db import models

from algorithms.checkpoints import checkpoint_path
from webapp.jobs.models import Job


class Policy(models.Model):
    """A named model: a base model or a checkpoint, the artifact of its job."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="policies")
    """The `policy` job that built or imported it, or the `train` job that taught it."""
    checkpoint = models.PositiveIntegerField(null=True, blank=True)
    """Updates after which the training kept it; empty for what the job ended with."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name

    @property
    def fingerprint(self) -> str:
        """What names it as an input, see `webapp.jobs.graph.given`."""
        own = self.job.fingerprint
        return own if self.checkpoint is None else f"{own}@{self.checkpoint}"

    @property
    def part(self) -> str:
        """Its folder in the job's artifact; empty where that is the policy."""
        return "" if self.checkpoint is None else checkpoint_path(self.checkpoint)
