"""What people and plans may do with jobs: ensure, cancel, retry, recompute, prioritise, upload."""

from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from algorithms.base import Summary, UserError
from algorithms.specs import UploadSpec
from webapp.accounts.models import User
from webapp.jobs.announcements import announce_queued
from webapp.jobs.graph import Node, closure
from webapp.jobs.models import Artifact, Job, JobEvent
from webapp.jobs.needs import ancestors, missing
from webapp.jobs.rows import create_missing
from webapp.jobs.states import FailureClass, JobState
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.jobs.transitions import cancel, locked, move, release, revive
from webapp.live import announce

GRAPH_LOCK = 7_202_001
"""Advisory lock of everything that adds edges or revives jobs: one such transaction at a time."""

UPLOAD = "upload"


def _lock_graph() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GRAPH_LOCK])


def _require_may_change(user: User | None, job: Job) -> None:
    """Let staff, the job's creator and (None) our own code pass.

    Raises:
        PermissionDenied: Anyone else.
    """
    if user is not None and not user.is_staff and job.created_by_id != user.pk:
        raise PermissionDenied(f"Job {job.pk} belongs to someone else.")


@transaction.atomic
def jobs_ensure(*, nodes: Sequence[Node], user: User | None, priority: int = 0) -> dict[str, Job]:
    """Get or create the jobs of these nodes and of all their inputs, by fingerprint.

    What is ready is queued; a failed or cancelled job that is needed is tried again; a job that is
    being stopped goes on. The higher of two priorities holds. Two callers at the same instant
    share their jobs.

    Raises:
        UserError: A given artifact has no job, or an upload is gone.
    """
    _lock_graph()
    wanted = list(closure(list(nodes)))
    create_missing(wanted, user, priority)
    fingerprints = {node.fingerprint for node in wanted}
    ids = dict(Job.objects.filter(fingerprint__in=fingerprints).values_list("fingerprint", "id"))
    targets = [ids[node.fingerprint] for node in nodes]
    announce_queued(_start(targets, priority))
    return {job.fingerprint: job for job in Job.objects.filter(pk__in=ids.values())}


def _start(targets: Sequence[int], priority: int | None = None) -> list[Job]:
    """Start what these jobs need, inputs first; return what was queued.

    All rows are locked before any is looked at, so that an input that ends at this moment is
    either seen here as ended, or its worker sees the new edge.
    """
    rows = {job.pk: job for job in locked(Job.objects.filter(pk__in=ancestors(targets)))}
    queued, waiting = [], []
    for job in missing(rows, targets):
        if priority is not None and job.priority < priority:
            Job.objects.filter(pk=job.pk).update(priority=priority)
        match JobState(job.state):
            case JobState.WAITING:
                waiting.append(job)
            case JobState.RUNNING:
                Job.objects.filter(pk=job.pk).update(stop_requested_at=None)
            case JobState.FAILED | JobState.CANCELLED:
                _try_again(job)
                queued.append(job)
    return queued + release(waiting)


def _try_again(job: Job) -> None:
    if job.kind == UPLOAD:
        raise UserError(f"The upload “{job.title}” is no longer there: upload it again.")
    revive(job)


@transaction.atomic
def job_cancel(*, job: Job, user: User | None) -> None:
    """Cancel a job: at once where it waits, through its worker where it runs.

    Jobs that need its artifact go on waiting; retrying it or them starts it again.

    Args:
        user: Who asks; None where the caller has already checked.

    Raises:
        UserError: It has already ended.
        PermissionDenied: It is someone else's.
    """
    _require_may_change(user, job)
    job = locked(Job.objects.filter(pk=job.pk)).get()
    if job.is_finished:
        raise UserError(f"Job {job.pk} has already {job.state}: there is nothing to cancel.")
    if job.state != JobState.RUNNING:
        cancel(job, "Cancelled before it ran.")
    elif job.stop_requested_at is None:
        Job.objects.filter(pk=job.pk).update(stop_requested_at=Now())
        announce(job.pk, "state")


@transaction.atomic
def job_retry(*, job: Job, user: User | None) -> None:
    """Try a failed or cancelled job again with a new budget, and the failed jobs it needs.

    Raises:
        UserError: It has not failed and was not cancelled.
        PermissionDenied: It is someone else's.
    """
    _require_may_change(user, job)
    _lock_graph()
    job = Job.objects.get(pk=job.pk)
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise UserError(f"Job {job.pk} is {job.state}: only a failed or cancelled job is retried.")
    announce_queued(_start([job.pk]))


@transaction.atomic
def jobs_resume(*, jobs: Sequence[Job]) -> None:
    """Try failed and cancelled jobs again and let those being stopped go on, inputs included.

    Who asks was checked by the caller: an experiment's owner may retry what others started too.
    """
    _lock_graph()
    announce_queued(_start([job.pk for job in jobs]))


@transaction.atomic
def job_recompute(*, job: Job, user: User | None) -> None:
    """Compute a succeeded job again because its artifact is damaged or gone.

    Jobs that failed on the damaged artifact, and those that were queued for it, wait for the new
    one and then go on by themselves. The old folder is removed by the sweep.

    Raises:
        UserError: It has not succeeded, or it is an upload, which only its owner has.
        PermissionDenied: It is someone else's.
    """
    _require_may_change(user, job)
    _lock_graph()
    direct = Q(inputs__source=job)
    ids = ancestors([job.pk]) | set(Job.objects.filter(direct).values_list("id", flat=True))
    rows = {row.pk: row for row in locked(Job.objects.filter(pk__in=ids))}
    job = rows[job.pk]
    if job.state != JobState.SUCCEEDED:
        raise UserError(f"Job {job.pk} is {job.state}: only a succeeded job is recomputed.")
    if job.kind == UPLOAD:
        raise UserError(f"“{job.title}” was uploaded and cannot be computed: upload it again.")
    Artifact.objects.filter(job=job).delete()
    JobEvent.objects.filter(job=job).delete()
    revive(job)
    for dependent in Job.objects.filter(direct, pk__in=rows).distinct().order_by("id"):
        _wait_again(dependent)
    announce_queued([job, *_start([job.pk])])


def _wait_again(dependent: Job) -> None:
    """Make a job wait for an input that is computed again."""
    if dependent.state == JobState.QUEUED:
        move(dependent, JobState.WAITING, queued_at=None, not_before=None)
    elif (
        dependent.state == JobState.FAILED and dependent.failure_class == FailureClass.CORRUPT_INPUT
    ):
        revive(dependent)


@transaction.atomic
def job_set_priority(*, job: Job, priority: int, user: User | None) -> None:
    """Run a job earlier (higher) or later; what it still needs becomes at least as urgent.

    Raises:
        PermissionDenied: It is someone else's.
    """
    _require_may_change(user, job)
    rows = {row.pk: row for row in locked(Job.objects.filter(pk__in=ancestors([job.pk])))}
    Job.objects.filter(pk=job.pk).update(priority=priority)
    needed = [row.pk for row in missing(rows, [job.pk])]
    Job.objects.filter(pk__in=needed, priority__lt=priority).update(priority=priority)
    for job_id in {job.pk, *needed}:
        announce(job_id, "state")


@transaction.atomic
def upload_record(
    *, folder: Path, sha256: str, title: str, summary: Summary, user: User | None
) -> Job:
    """Store an uploaded folder as the artifact of a job that has succeeded; the folder is gone.

    The same content uploaded twice is one job. A stored copy that was damaged is replaced.

    Args:
        folder: On the disk of the store: made by `Store.receiving`.
        sha256: Hash of the content; it identifies the upload.
    """
    _lock_graph()
    node = Node(kind=UPLOAD, spec=UploadSpec(sha256=sha256), title=title)
    create_missing([node], user, priority=0, state=JobState.SUCCEEDED)
    job = locked(Job.objects.filter(fingerprint=node.fingerprint)).get()
    store = default_store()
    kept = Artifact.objects.filter(job=job).first()
    if kept is not None:
        try:
            store.verify(kept.path, kept.manifest_sha256)
        except ArtifactDamaged:
            kept.delete()
        else:
            store.discard(folder)
            return job
    Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1, finished_at=Now())
    stored = store.publish(folder, job.pk, job.attempt + 1)
    Artifact.objects.create(
        job=job,
        path=stored.path,
        size_bytes=stored.size_bytes,
        manifest_sha256=stored.manifest_sha256,
        summary=summary,
        attempt=job.attempt + 1,
    )
    announce(job.pk, "state")
    return Job.objects.get(pk=job.pk)
