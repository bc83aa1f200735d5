"""One claimed job from start to end: its process, its lease, the wish to stop it."""

import enum
import logging
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from webapp.jobs.failures import Failure, lost_worker
from webapp.jobs.leases import (
    Claim,
    LeaseLost,
    LeaseStatus,
    finish_cancelled,
    finish_failure,
    lease_status,
    renew,
    requeue,
)
from webapp.jobs.store import default_store
from workers.child import Child
from workers.database import until_answered
from workers.exits import LEASE_LOST, failure_of, memory_kills

POLL_S = 0.25
LOOK_S = 1.0
"""How often the stop flag is read; the lease is renewed less often."""
LEAVE_S = 5.0
"""A runner that has recorded its end leaves within."""

logger = logging.getLogger(__name__)


class Reason(enum.Enum):
    """Why the worker stops watching."""

    ENDED = "it ended"
    CANCELLED = "a person asked"
    WORKER_STOPS = "the worker stops"
    LEASE_LOST = "another attempt has the job"
    SILENT = "no sign of life"


class Lease:
    """Keeps a claim alive; a database that is away is asked again, and nothing is given up."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._status = LeaseStatus(held=True, stop_requested=False)
        self._renew_at = self._look_at = time.monotonic()

    def status(self) -> LeaseStatus:
        """Return the last answer of the database, asking it when it is time to."""
        now = time.monotonic()
        if now < self._look_at:
            return self._status
        self._look_at = now + LOOK_S
        ask = renew if now >= self._renew_at else lease_status
        try:
            self._status = ask(job_id=self._claim.job_id, attempt=self._claim.attempt)
        except (OperationalError, InterfaceError) as error:
            logger.warning("job %d: the database does not answer (%s)", self._claim.job_id, error)
            connection.close()
            return self._status
        if ask is renew:
            self._renew_at = now + settings.LAB_LEASE_RENEW_S
        return self._status


def supervise(claim: Claim, stopping: Callable[[], bool]) -> None:
    """Run a claimed job; return when nothing of it is left and its end is recorded.

    Args:
        stopping: Whether this worker is asked to end; the job then goes back to the queue.
    """
    logger.info("job %d (%s): attempt %d starts", claim.job_id, claim.kind, claim.attempt)
    lease = Lease(claim)
    kills_before = memory_kills()
    child = Child(claim.job_id, claim.attempt, claim.kind)
    try:
        reason = _watch(child, lease, stopping)
        if reason in {Reason.CANCELLED, Reason.WORKER_STOPS}:
            _let_it_stop(child, lease)
    finally:
        status = child.end()
    logger.info("job %d: exit status %d, %s", claim.job_id, status, reason.value)
    default_store().clear_staging(claim.job_id, claim.attempt)
    if reason == Reason.LEASE_LOST or status == LEASE_LOST:
        return
    failure = None
    if reason in {Reason.ENDED, Reason.SILENT}:
        failure = _failure(reason, status, child.last_output(), memory_kills() > kills_before)
    try:
        until_answered(partial(_record, claim, reason, failure), give_up=stopping)
    except LeaseLost:
        logger.debug("job %d: its end is already recorded", claim.job_id)
    except (OperationalError, InterfaceError):
        logger.exception("job %d: left to the sweep", claim.job_id)


def _watch(child: Child, lease: Lease, stopping: Callable[[], bool]) -> Reason:
    while child.wait(POLL_S) is None:
        status = lease.status()
        if not status.held:
            # The runner may have recorded its end a moment ago: let it leave by itself.
            return Reason.ENDED if child.wait(LEAVE_S) is not None else Reason.LEASE_LOST
        if status.stop_requested:
            return Reason.CANCELLED
        if stopping():
            return Reason.WORKER_STOPS
        if child.silent_s() > settings.LAB_HANG_S:
            return Reason.SILENT
    return Reason.ENDED


def _let_it_stop(child: Child, lease: Lease) -> None:
    """Ask the job to stop and wait for its checkpoint, at most the grace period."""
    child.ask_to_stop()
    deadline = time.monotonic() + settings.LAB_STOP_GRACE_S
    while child.wait(POLL_S) is None and time.monotonic() < deadline:
        if not lease.status().held:
            child.wait(LEAVE_S)
            return


def _failure(reason: Reason, status: int, output: str, killed_for_memory: bool) -> Failure:
    if reason == Reason.SILENT:
        message = (
            f"The job's process gave no sign of life for {settings.LAB_HANG_S} s and was killed."
        )
        return lost_worker(message, output)
    return failure_of(status, output, killed_for_memory=killed_for_memory)


def _record(claim: Claim, reason: Reason, failure: Failure | None) -> None:
    """Write how the attempt ended, unless its runner has done so (`LeaseLost`)."""
    job_id, attempt = claim.job_id, claim.attempt
    if failure is not None:
        finish_failure(job_id=job_id, attempt=attempt, failure=failure)
    elif reason == Reason.CANCELLED:
        finish_cancelled(job_id=job_id, attempt=attempt)
    else:
        requeue(job_id=job_id, attempt=attempt, reason="Its worker was stopped.")
