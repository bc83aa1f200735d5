"""Saved choices of algorithm and hyperparameters."""

from django.conf import settings
from django.db import models


class Preset(models.Model):
    """What a person calls an algorithm: "TOPR, c = -0.5"."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120, unique=True)
    algorithm = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    """Complete hyperparameters, validated by the algorithm's schema."""
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
