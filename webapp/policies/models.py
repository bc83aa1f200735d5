"""Policies: models that can act."""

from django.conf import settings
from django.db import models

from webapp.jobs.models import Job


class Policy(models.Model):
    """A named model: a base model or a checkpoint, the artifact of its job."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="policies")
    """The `policy` job that built or imported it, or the `train` job whose checkpoint it is."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name
