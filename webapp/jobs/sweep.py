"""The periodic look at everything that no message and no worker will mend."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from webapp.jobs.failures import lost_worker
from webapp.jobs.models import QUEUE_ORDER, Job, Worker
from webapp.jobs.states import JobState
from webapp.jobs.transitions import fail, release, with_missing_input
from workers.queue import top_up

SWEEP_LOCK = 7_202_002
KEEP_WORKERS = timedelta(days=30)


@dataclass(frozen=True)
class SweepReport:
    """What one sweep did."""

    ran: bool
    """False where another sweep was at work."""
    expired: int = 0
    """Leases that had run out."""
    released: int = 0
    """Waiting jobs whose inputs were all there."""
    announced: int = 0
    """Wake-ups sent to the broker."""


def sweep() -> SweepReport:
    """Requeue expired leases, release what is ready, and announce what is queued."""
    with transaction.atomic():
        if not _locked():
            return SweepReport(ran=False)
        expired = 0 if _database_is_young() else _expire()
        released = _release()
        Worker.objects.filter(heartbeat_at__lt=Now() - KEEP_WORKERS).delete()
    return SweepReport(True, expired, released, _announce())


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def _database_is_young() -> bool:
    """Whether it started less than a lease ago: workers that live may renew first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_postmaster_start_time() > now() - make_interval(secs => %s)",
            [settings.LAB_LEASE_S],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _expire() -> int:
    """Take the job from workers that did not renew; rows that someone writes now are left alone."""
    late = Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=Now())
    jobs = list(late.order_by("id").select_for_update(no_key=True, skip_locked=True, of=("self",)))
    for job in jobs:
        name = job.worker.name if job.worker else "Its worker"
        fail(job, lost_worker(f"{name} did not renew its lease: it was killed or cut off."))
    return len(jobs)


def _release() -> int:
    """Queue waiting jobs with all inputs: a safety net, their last input's end normally does it."""
    waiting = Job.objects.filter(~with_missing_input(), state=JobState.WAITING)
    rows = waiting.order_by("id").select_for_update(no_key=True, skip_locked=True, of=("self",))
    return len(release(rows))


def _announce() -> int:
    """See to it that the broker holds a wake-up for queued jobs that may run now."""
    due = Job.objects.filter(Q(not_before=None) | Q(not_before__lte=Now()), state=JobState.QUEUED)
    by_label: dict[str, list[int]] = defaultdict(list)
    for job_id, label in due.order_by(*QUEUE_ORDER).values_list("id", "label"):
        by_label[label].append(job_id)
    return sum(top_up(label, job_ids) for label, job_ids in by_label.items())
