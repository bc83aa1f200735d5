"""The two tasks of a worker: look for work, and sweep."""

import logging
import os
from functools import partial

from celery import signals
from celery.worker import state as celery_state
from django.db import OperationalError

from webapp.jobs.leases import claim
from webapp.jobs.sweep import sweep as sweep_jobs
from workers.celery import HOUSEKEEPING, app
from workers.database import until_answered
from workers.heartbeat import Presence
from workers.housekeeping import end_orphans, tidy
from workers.queue import LOOK, SWEEP
from workers.runners import end_server
from workers.supervise import supervise

logger = logging.getLogger(__name__)


class Process:
    """What this worker process knows of itself."""

    presence: Presence | None = None


def stopping() -> bool:
    """Whether Celery was asked to end this worker (its flag may be the exit code 0)."""
    flags: list[object] = [celery_state.should_stop, celery_state.should_terminate]
    return any(flag is not None and flag is not False for flag in flags)


@app.task(name=LOOK)
def look(job_id: int | None = None) -> None:
    """Claim and run jobs of this worker's labels, the best first, until none is left.

    The job that caused the message has no precedence. Going on until nothing can be claimed keeps
    the worker busy even if messages were lost; messages that find nothing afterwards cost one
    query each. Between jobs it obeys a request to end.
    """
    presence = Process.presence
    if presence is None:
        raise RuntimeError("the worker has not registered")
    if not presence.labels:
        return
    take = partial(claim, worker=presence.worker, labels=presence.labels)
    while not stopping():
        claimed = until_answered(take, give_up=stopping)
        if claimed is None:
            return
        logger.debug("woken by job %s, claimed job %d", job_id, claimed.job_id)
        supervise(claimed, stopping)


@app.task(name=SWEEP)
def sweep() -> None:
    """Requeue expired leases, release and announce jobs; tidy this machine's disk and processes."""
    report = sweep_jobs()
    if report.expired or report.released:
        logger.info("sweep: %s", report)
    end_orphans()
    tidy()


@signals.worker_ready.connect
def _on_ready(**_: object) -> None:
    """Register, clean up after a predecessor, and look for work without a message.

    Celery sends the signal again whenever it has reached the broker anew: what was announced
    meanwhile is looked for at once.
    """
    try:
        if Process.presence is None:
            Process.presence = _register()
            until_answered(end_orphans, give_up=stopping)
        look()
    except OperationalError:
        logger.warning("The database went away while this worker was stopping.")


def _register() -> Presence:
    labels = sorted(set(app.amqp.queues.consume_from) - {HOUSEKEEPING})
    name = os.environ.get("LAB_WORKER_NAME") or "-".join(labels) or HOUSEKEEPING
    return Presence(f"{name}@{os.uname().nodename}:{os.getpid()}", labels, give_up=stopping)


@signals.worker_shutdown.connect
def _on_shutdown(**_: object) -> None:
    end_server()
    if Process.presence is not None:
        Process.presence.leave()
