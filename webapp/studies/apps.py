"""Django's registration of this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """Studies: questions of the papers as data files, reproduced on a press of a button."""

    name = "webapp.studies"
