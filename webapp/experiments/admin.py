"""Experiments in the administration, to look at: changes go through the services."""

from django.contrib import admin
from django.http import HttpRequest

from webapp.experiments.models import Experiment, Run


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Rows that nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Launching is a page of its own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Runs and jobs belong together."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Deleting refuses what is needed, which only the service knows."""
        return False


@admin.register(Experiment)
class ExperimentAdmin(ReadOnly):
    """Experiments by age."""

    list_display = ("name", "owner", "recipe", "priority", "created_at", "cancelled_at")
    list_select_related = ("owner",)
    search_fields = ("name", "question")


@admin.register(Run)
class RunAdmin(ReadOnly):
    """Runs with their experiment."""

    list_display = ("label", "algorithm", "seed", "experiment")
    list_select_related = ("experiment",)
    search_fields = ("label", "algorithm")
