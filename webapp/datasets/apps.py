"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The datasets app."""

    name = "webapp.datasets"
