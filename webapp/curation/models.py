"""Curated sets: named choices among the completions of a graded set."""

from django.conf import settings
from django.db import models

from webapp.jobs.models import Job


class CuratedSet(models.Model):
    """A name for the artifact of a `curate` job; two names may share one job."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, unique=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="curated_sets")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
