"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """The accounts app."""

    name = "webapp.accounts"
