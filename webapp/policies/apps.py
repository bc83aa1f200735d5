"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The policies app."""

    name = "webapp.policies"
