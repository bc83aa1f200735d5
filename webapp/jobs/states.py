"""The states of a job and the only transitions between them, the same here and in the database."""

from django.db import models


class JobState(models.TextChoices):
    """Where a job is in its life."""

    WAITING = "waiting", "Waiting for inputs"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


TRANSITIONS: frozenset[tuple[JobState, JobState]] = frozenset(
    {
        (JobState.WAITING, JobState.QUEUED),
        (JobState.WAITING, JobState.CANCELLED),
        (JobState.QUEUED, JobState.RUNNING),
        (JobState.QUEUED, JobState.WAITING),
        (JobState.QUEUED, JobState.CANCELLED),
        (JobState.RUNNING, JobState.SUCCEEDED),
        (JobState.RUNNING, JobState.FAILED),
        (JobState.RUNNING, JobState.CANCELLED),
        (JobState.RUNNING, JobState.QUEUED),
        (JobState.RUNNING, JobState.WAITING),
        (JobState.FAILED, JobState.QUEUED),
        (JobState.FAILED, JobState.WAITING),
        (JobState.CANCELLED, JobState.QUEUED),
        (JobState.CANCELLED, JobState.WAITING),
        (JobState.SUCCEEDED, JobState.QUEUED),
        (JobState.SUCCEEDED, JobState.WAITING),
    }
)

FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
ACTIVE = frozenset({JobState.WAITING, JobState.QUEUED, JobState.RUNNING})


class FailureClass(models.TextChoices):
    """Why a job failed, and so whether trying again can help."""

    USER_ERROR = "user_error", "Needs your change"
    OUT_OF_MEMORY = "out_of_memory", "Out of memory"
    NON_FINITE = "non_finite", "Loss was not a number"
    LOST_WORKER = "lost_worker", "Worker lost"
    STORAGE = "storage", "Storage"
    CORRUPT_INPUT = "corrupt_input", "Damaged input"
    BUG = "bug", "Our bug"
