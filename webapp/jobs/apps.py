"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The jobs app."""

    name = "webapp.jobs"
