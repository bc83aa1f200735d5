"""Administration of the build graph: to look, not to write; services change jobs."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from webapp.jobs.models import Artifact, Attempt, Job, JobInput, Worker


class ReadOnly:
    """Rows that only services and workers write."""

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False


class InputInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg] # not generic when running
    """What a job reads."""

    model = JobInput
    fk_name = "job"


class AttemptInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg] # not generic when running
    """Who ran it, and how that ended."""

    model = Attempt


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg] # not generic when running
    """Every field of a job."""

    list_display = ("id", "kind", "title", "state", "label", "priority", "attempt", "worker")
    list_filter = ("state", "kind", "label", "failure_class")
    list_select_related = ("worker",)
    search_fields = ("title", "fingerprint", "failure_reference")
    inlines = (InputInline, AttemptInline)


@admin.register(Worker)
class WorkerAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg] # not generic when running
    """Workers, those that have gone included."""

    list_display = ("name", "labels", "hostname", "pid", "heartbeat_at", "stopped_at")


@admin.register(Artifact)
class ArtifactAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg] # not generic when running
    """Where artifacts are, and their checksums."""

    list_display = ("path", "job", "size_bytes", "created_at")
    list_select_related = ("job",)
