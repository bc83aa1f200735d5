"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The labs: losses and bandits, computed while one types; nothing is stored."""

    name = "webapp.labs"
