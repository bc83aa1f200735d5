"""Policies: models that can act."""

from django.conf import settings
from django.db import models

from algorithms.checkpoints import checkpoint_path
from webapp.jobs.models import Job
from webapp.policies.families import Family, family_of_kind


class Policy(models.Model):
    """A named model or controller: given, or a checkpoint; the artifact of its job."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="policies")
    """The job that built or imported it, or the training that taught it."""
    checkpoint = models.PositiveIntegerField(null=True, blank=True)
    """Updates after which the training kept it; empty for what the job ended with."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name

    @property
    def family(self) -> Family:
        """Whether it completes prompts or acts in an environment."""
        return family_of_kind(self.job.kind)

    @property
    def fingerprint(self) -> str:
        """What names it as an input, see `webapp.jobs.graph.given`."""
        own = self.job.fingerprint
        return own if self.checkpoint is None else f"{own}@{self.checkpoint}"

    @property
    def part(self) -> str:
        """Its folder in the job's artifact; empty where that is the policy."""
        return "" if self.checkpoint is None else checkpoint_path(self.checkpoint)
