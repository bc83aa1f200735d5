"""Waking workers after the transaction that queued something."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from workers.queue import enqueue_jobs


def announce_queued(jobs: Iterable[Job]) -> None:
    """Send one wake-up per queued job when the transaction commits.

    A broker that does not answer costs seconds and a warning: the sweep announces the jobs again.
    """
    queued = [(job.pk, job.label) for job in jobs if job.state == JobState.QUEUED]
    if queued:
        transaction.on_commit(partial(enqueue_jobs, queued), robust=True)
