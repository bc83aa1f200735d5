"""Reads graded and curated sets of completions."""

from django.db.models import Q, QuerySet

from webapp.curation.content import GRADED
from webapp.curation.models import CuratedSet
from webapp.jobs.gradings import grading_line
from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import JobState


def curated_sets(*, source: Job | None = None) -> QuerySet[CuratedSet]:
    """Return curated sets, those made directly from a source alone if given; one query."""
    found = CuratedSet.objects.select_related("owner", "job", "job__artifact")
    if source is not None:
        found = found.filter(job__inputs__source=source)
    return found.order_by("-created_at", "-pk")


def trainable_jobs() -> QuerySet[Job]:
    """Return the jobs whose graded completions can be trained on, the newest first.

    Those that have succeeded, and named sets that are still being made.
    """
    named = CuratedSet.objects.values("job")
    ready = Q(state=JobState.SUCCEEDED) | Q(pk__in=named)
    found = Job.objects.filter(GRADED, ready)
    return found.select_related("artifact").prefetch_related("curated_sets").order_by("-pk")


def trainable_name(job: Job) -> str:
    """Return how a form calls a set: its names, or its title, and how much it holds."""
    names = ", ".join(one.name for one in job.curated_sets.all()) or job.title
    if job.state != JobState.SUCCEEDED:
        return f"{names} (job {job.pk}, {job.state})"
    count = job.artifact.summary.get("completions", 0)
    judged = grading_line(job.spec) if job.kind == "grade" else ""
    return f"{names} (job {job.pk}, {count:,} completions{judged and '; '}{judged})"


def writer_of(job: Job) -> tuple[int, int | None] | None:
    """Return the job of the policy that wrote a set's completions, and the step it was kept at.

    The step is None for what the job ended with. A query per job on the way.
    """
    place = job.pk
    while True:
        edges = JobInput.objects.filter(job=place, role__in=("policy", "rollouts"))
        sources = {edge.role: (edge.source_id, edge.checkpoint) for edge in edges}
        if "rollouts" not in sources:
            return sources.get("policy")
        place = sources["rollouts"][0]
