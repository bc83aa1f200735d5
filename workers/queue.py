"""The only place where a job is announced: a message that says "look for work"."""

import logging
from collections.abc import Sequence
from typing import Any

from kombu import Queue
from kombu.exceptions import OperationalError

from workers.celery import app

LOOK = "workers.tasks.look"
SWEEP = "workers.tasks.sweep"

MAX_DEPTH = 32
"""More wake-ups than this are never waiting: one worker that wakes takes all it can get."""

logger = logging.getLogger(__name__)


def enqueue_job(job_id: int, label: str) -> bool:
    """Tell the workers of a label to look for work; return whether the broker took the message."""
    return enqueue_jobs([(job_id, label)])


def enqueue_jobs(jobs: Sequence[tuple[int, str]]) -> bool:
    """Tell workers to look for work, once per (job id, label); return whether the broker answered.

    It gives up at the first failure: the web request must not wait for a broker that is down, and
    the sweep announces every queued job again.
    """
    try:
        for job_id, label in jobs:
            app.send_task(LOOK, args=[job_id], queue=label)
    except (OperationalError, OSError) as error:
        logger.warning("The broker did not take %d wake-ups (%s)", len(jobs), error)
        return False
    return True


def top_up(label: str, job_ids: Sequence[int]) -> int:
    """Make sure that wake-ups for these queued jobs wait at the broker; return how many were sent.

    What already waits there counts, so that repeating this does not fill the broker.
    """
    depth = _depth(label)
    if depth is None:
        return 0
    count = max(min(len(job_ids), MAX_DEPTH) - depth, 0)
    sent = enqueue_jobs([(job_id, label) for job_id in job_ids[:count]])
    return count if sent else 0


def _depth(label: str) -> int | None:
    """Return how many wake-ups wait for a label, None where the broker does not answer."""
    with app.connection_for_write() as connection:
        failures: tuple[type[BaseException], ...] = (
            OperationalError,
            OSError,
            *connection.connection_errors,
            *connection.channel_errors,
        )
        try:
            with connection.channel() as channel:
                declared: Any = Queue(label, channel=channel).queue_declare()
                return int(declared.message_count)
        except failures as error:
            logger.warning("The broker does not answer (%s)", error)
            return None
