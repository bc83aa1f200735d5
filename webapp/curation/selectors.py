"""Reads graded and curated sets of completions."""

from django.db.models import QuerySet

from webapp.curation.content import CURATABLE
from webapp.curation.models import CuratedSet
from webapp.jobs.models import Job
from webapp.jobs.states import JobState


def curated_sets(*, source: Job | None = None) -> QuerySet[CuratedSet]:
    """Return curated sets, those made directly from a source alone if given; one query."""
    found = CuratedSet.objects.select_related("owner", "job", "job__artifact")
    if source is not None:
        found = found.filter(job__inputs__source=source)
    return found.order_by("-created_at", "-pk")


def trainable_jobs() -> QuerySet[Job]:
    """Return the jobs whose graded completions can be trained on, the newest first."""
    found = Job.objects.filter(kind__in=CURATABLE, state=JobState.SUCCEEDED)
    return found.select_related("artifact").order_by("-finished_at", "-pk")
