"""Deleting jobs and artifacts that nobody needs any more."""

from dataclasses import dataclass
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from webapp.accounts.models import User
from webapp.accounts.permissions import require_staff
from webapp.curation.models import CuratedSet
from webapp.datasets.models import Dataset
from webapp.experiments.models import ExperimentJob
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.needs import ancestors
from webapp.jobs.services import GRAPH_LOCK
from webapp.jobs.states import ACTIVE
from webapp.jobs.store import default_store
from webapp.policies.models import Policy

RENDERING = "render_episodes"


@dataclass(frozen=True)
class PruneReport:
    """What pruning deleted."""

    jobs: int
    artifacts: int
    size_bytes: int


def unneeded_jobs() -> QuerySet[Job]:
    """Return ended jobs that no experiment, dataset, policy, set or unfinished job needs.

    Rendered episodes belong to their evaluation's page: they stay while all that they show stays.
    """
    needed = (
        Q(state__in=ACTIVE)
        | Exists(ExperimentJob.objects.filter(job=OuterRef("pk")))
        | Exists(Dataset.objects.filter(job=OuterRef("pk")))
        | Exists(Policy.objects.filter(job=OuterRef("pk")))
        | Exists(CuratedSet.objects.filter(job=OuterRef("pk")))
    )
    roots = Job.objects.filter(needed).values_list("pk", flat=True)
    kept = ancestors(roots)
    goes = JobInput.objects.filter(job=OuterRef("pk")).exclude(source__in=kept)
    return Job.objects.exclude(pk__in=kept).exclude(Q(kind=RENDERING) & ~Exists(goes))


@transaction.atomic
def artifacts_prune(*, user: User) -> PruneReport:
    """Delete jobs that nothing needs, their logs, points and artifacts; the files go on commit.

    Raises:
        PermissionDenied: the person is not staff.
    """
    require_staff(user)
    _lock_graph()
    gone = list(unneeded_jobs().values_list("pk", flat=True))
    artifacts = list(Artifact.objects.filter(job__in=gone).values_list("path", "size_bytes"))
    # Edges protect their sources: those between deleted jobs go first.
    JobInput.objects.filter(job__in=gone).delete()
    Job.objects.filter(pk__in=gone).delete()
    store = default_store()
    for path, _ in artifacts:
        transaction.on_commit(partial(store.remove, path))
    return PruneReport(
        jobs=len(gone), artifacts=len(artifacts), size_bytes=sum(size for _, size in artifacts)
    )


def _lock_graph() -> None:
    """Keep launches out until commit: one could count on a job that is about to be deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GRAPH_LOCK])
