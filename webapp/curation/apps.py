"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The curation app."""

    name = "webapp.curation"
