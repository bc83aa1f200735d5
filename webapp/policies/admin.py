"""Policies in Django's administration, to look at."""

from django.contrib import admin

from webapp.policies.models import Policy


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Read-only but for the owner and the words: models are made by services only."""

    list_display = ("name", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    readonly_fields = ("name", "job", "created_at")
