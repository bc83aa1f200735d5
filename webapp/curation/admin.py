"""Curated sets in Django's administration, to look at."""

from django.contrib import admin

from webapp.curation.models import CuratedSet


@admin.register(CuratedSet)
class CuratedSetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Read-only but for the owner: rows are made by services only."""

    list_display = ("name", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    readonly_fields = ("name", "job", "created_at")
