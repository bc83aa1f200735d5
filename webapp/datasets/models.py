"""Datasets: immutable, versioned rows."""

from django.conf import settings
from django.db import models

from webapp.datasets.families import Family, family_of_kind
from webapp.jobs.models import Job


class Dataset(models.Model):
    """Named prompts with reference answers, or named transitions: the artifact of its job."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120)
    version = models.IntegerField(default=1)
    """Uploading under the same name makes the next version; old ones stay."""
    description = models.TextField(blank=True)
    origin = models.CharField(max_length=200, blank=True)
    """Where the rows came from, in words: file name, hub id, generator."""
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="datasets")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_dataset_per_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def short(self) -> str:
        """Its name, with the version where there are several to tell apart."""
        return self.name if self.version == 1 else str(self)

    @property
    def family(self) -> Family:
        """Whether it holds prompts or transitions."""
        return family_of_kind(self.job.kind)
