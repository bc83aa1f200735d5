"""Alarms of jobs: what their sentinels raised, for pages, curves and the API."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from webapp.jobs.models import JobEvent

SHOWN = 50
"""Alarms that a page lists."""


def events_of(which: Q) -> QuerySet[JobEvent]:
    """Return events with their jobs, in the order of steps; 1 query.

    Args:
        which: a condition on events, such as `Q(job=job)`.
    """
    found = JobEvent.objects.filter(which).select_related("job").defer("job__spec")
    return found.order_by("job_id", "step", "id")


def events_by_job(job_ids: Collection[int]) -> dict[int, list[JobEvent]]:
    """Return the events of some jobs that have any; 1 query."""
    found: dict[int, list[JobEvent]] = {}
    for event in events_of(Q(job__in=job_ids)):
        found.setdefault(event.job_id, []).append(event)
    return found
