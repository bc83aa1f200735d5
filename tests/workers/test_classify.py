"""What exceptions and exit statuses mean."""

import errno
import os
import signal

import pytest

from algorithms.base import CorruptArtifactError, NonFiniteLossError, UserError
from webapp.jobs.failures import POLICIES
from webapp.jobs.states import FailureClass
from workers.classify import classify
from workers.exits import STOPPED, failure_of


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


def wrapped(inner: Exception) -> Exception:
    """Return an error raised from another."""
    outer = RuntimeError("saving failed")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("Choose another split."), FailureClass.USER_ERROR),
        (CorruptArtifactError("rows.parquet is missing"), FailureClass.CORRUPT_INPUT),
        (NonFiniteLossError(7), FailureClass.NON_FINITE),
        (MemoryError(), FailureClass.OUT_OF_MEMORY),
        (OutOfMemoryError("CUDA out of memory. Tried"), FailureClass.OUT_OF_MEMORY),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            FailureClass.OUT_OF_MEMORY,
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), FailureClass.OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), FailureClass.STORAGE),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FailureClass.STORAGE),
        (
            ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
            FailureClass.STORAGE,
        ),
        (wrapped(OSError(errno.ENOSPC, "full")), FailureClass.STORAGE),
        (KeyError("x"), FailureClass.BUG),
        (OSError(errno.ENOENT, "gone"), FailureClass.BUG),
    ],
)
def test_an_exception_is_classed(error: Exception, expected: FailureClass) -> None:
    assert classify(error).failure_class == expected


def test_messages_for_people_are_theirs_unchanged() -> None:
    assert classify(UserError("Choose another split.")).message == "Choose another split."
    assert "step 7" in classify(NonFiniteLossError(7)).message


def test_a_bug_has_a_reference_and_a_traceback() -> None:
    try:
        os.environ["LAB_MISSING"]
    except KeyError as error:
        failure = classify(error)
    assert len(failure.reference) == 8
    assert "Traceback" in failure.detail
    assert failure.message == "KeyError: 'LAB_MISSING'"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (-signal.SIGSEGV, FailureClass.BUG),
        (-signal.SIGABRT, FailureClass.BUG),
        (-signal.SIGTERM, FailureClass.LOST_WORKER),
        (-signal.SIGHUP, FailureClass.LOST_WORKER),
        (-64, FailureClass.LOST_WORKER),
        (STOPPED, FailureClass.LOST_WORKER),
        (0, FailureClass.BUG),
        (1, FailureClass.BUG),
    ],
)
def test_an_exit_without_a_word_is_classed(status: int, expected: FailureClass) -> None:
    assert failure_of(status, "", killed_for_memory=False).failure_class == expected


def test_a_kill_is_a_lack_of_memory_where_the_kernel_says_so() -> None:
    killed = failure_of(-signal.SIGKILL, "last words", killed_for_memory=True)
    assert (killed.failure_class, killed.detail) == (FailureClass.OUT_OF_MEMORY, "last words")
    unknown = failure_of(-signal.SIGKILL, "", killed_for_memory=False)
    assert unknown.failure_class == FailureClass.LOST_WORKER
    assert "possibly because the machine ran out of memory" in unknown.message


def test_every_class_says_what_to_do() -> None:
    assert set(POLICIES) == set(FailureClass)
    assert all(policy.advice.endswith(".") for policy in POLICIES.values())


def test_what_the_user_must_mend_is_never_tried_again() -> None:
    never = {FailureClass.USER_ERROR, FailureClass.NON_FINITE, FailureClass.CORRUPT_INPUT}
    assert {each for each, policy in POLICIES.items() if policy.attempts == 1} == never
