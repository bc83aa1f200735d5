"""Which jobs stand between a wanted job and its artifact."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import JobState

ANCESTORS = """
WITH RECURSIVE needed(id) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT edge.source_id FROM jobs_jobinput edge JOIN needed ON edge.job_id = needed.id
)
SELECT id FROM needed
"""


def ancestors(job_ids: Iterable[int]) -> set[int]:
    """Return these jobs and everything they are computed from, directly or not."""
    with connection.cursor() as cursor:
        cursor.execute(ANCESTORS, [list(job_ids)])
        return {row[0] for row in cursor.fetchall()}


def missing(jobs: Mapping[int, Job], targets: Sequence[int]) -> list[Job]:
    """Return what must run before the targets have artifacts, themselves included, inputs first.

    Args:
        jobs: All ancestors of the targets by id.
    """
    sources: dict[int, list[int]] = defaultdict(list)
    for job_id, source_id in JobInput.objects.filter(job_id__in=jobs).values_list(
        "job_id", "source_id"
    ):
        sources[job_id].append(source_id)
    found: set[int] = set()
    frontier = list(targets)
    while frontier:
        job_id = frontier.pop()
        if job_id not in found and jobs[job_id].state != JobState.SUCCEEDED:
            found.add(job_id)
            frontier += sources[job_id]
    return [jobs[job_id] for job_id in sorted(found)]
