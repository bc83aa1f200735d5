"""What a failure means: whether trying again can help, when, and what a person can do."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings

from webapp.jobs.states import FailureClass


@dataclass(frozen=True)
class Policy:
    """How failures of one class are answered."""

    advice: str
    """What to do, a sentence for the person."""
    attempts: int = 1
    """Most attempts, the first one included; the job's own limit holds too."""
    first_delay_s: float = 0.0
    """Wait before the second attempt; doubles with each further one."""


POLICIES: Mapping[FailureClass, Policy] = {
    FailureClass.USER_ERROR: Policy(
        "Change what the message names, then launch again or retry the job."
    ),
    FailureClass.OUT_OF_MEMORY: Policy(
        "Lower the micro batch size or the generation batch size, choose a smaller model, or use "
        "a worker with more memory.",
        attempts=2,
        first_delay_s=30,
    ),
    FailureClass.NON_FINITE: Policy(
        "Lower the learning rate, clip gradients more tightly, or choose a bounded importance "
        "weight. Trying again with the same settings gives the same result."
    ),
    FailureClass.LOST_WORKER: Policy(
        "Check that the worker's machine is up and has memory and disk left, then retry the job.",
        attempts=10,
        first_delay_s=1,
    ),
    FailureClass.STORAGE: Policy(
        "Free disk space where the artifacts are kept, then retry the job.",
        attempts=3,
        first_delay_s=60,
    ),
    FailureClass.CORRUPT_INPUT: Policy(
        "Recompute the job that made the damaged artifact; this job then continues on its own."
    ),
    FailureClass.BUG: Policy(
        "This is our mistake. Retry once; if it fails again, report it with the reference number.",
        attempts=2,
        first_delay_s=5,
    ),
}


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended without an artifact."""

    failure_class: FailureClass
    message: str
    """What happened, to what."""
    detail: str = ""
    """Traceback or last output, for us."""
    reference: str = field(default="")

    @property
    def policy(self) -> Policy:
        """How failures of this class are answered."""
        return POLICIES[self.failure_class]

    def retry_delay(self, attempts_used: int) -> timedelta:
        """Return the wait before the next attempt."""
        seconds = self.policy.first_delay_s * 2 ** max(attempts_used - 1, 0)
        return timedelta(seconds=seconds * settings.LAB_RETRY_SCALE)


def bug(message: str, detail: str) -> Failure:
    """Return a failure that is ours, with a reference number to find it in the log."""
    return Failure(FailureClass.BUG, message, detail, secrets.token_hex(4))


def lost_worker(message: str, detail: str = "") -> Failure:
    """Return the failure of an attempt whose process or worker went away."""
    return Failure(FailureClass.LOST_WORKER, message, detail)
