"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """Template tags and the style guide; no tables."""

    name = "webapp.components"
