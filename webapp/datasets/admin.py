"""Datasets in Django's administration, to look at."""

from django.contrib import admin

from webapp.datasets.models import Dataset


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Read-only but for the owner: rows are made by services only."""

    list_display = ("name", "version", "owner", "origin", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "origin")
    readonly_fields = ("name", "version", "origin", "job", "created_at")
