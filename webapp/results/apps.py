"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The results app."""

    name = "webapp.results"
