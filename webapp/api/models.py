"""Access tokens of the API."""

from django.conf import settings
from django.db import models


class Token(models.Model):
    """A token that acts as its owner; only its hash is kept."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    """What it is for, in the owner's words."""
    prefix = models.CharField(max_length=12, unique=True)
    """First characters, shown so that the owner can tell tokens apart."""
    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the whole token."""
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
