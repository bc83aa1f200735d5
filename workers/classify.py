"""What an exception of a job means to the person who wanted it."""

import errno
import logging
import traceback
from collections.abc import Iterator

from algorithms.base import CorruptArtifactError, NonFiniteLossError, ProcessLostError, UserError
from webapp.jobs.failures import Failure, bug
from webapp.jobs.states import FailureClass

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_DISK_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large")
"""Libraries in other languages raise errors of their own with the system's text."""

MEMORY_TEXTS = ("can't allocate memory", "Cannot allocate memory", "CUDA out of memory")

OWN_WORDS = {
    CorruptArtifactError: FailureClass.CORRUPT_INPUT,
    UserError: FailureClass.USER_ERROR,
    NonFiniteLossError: FailureClass.NON_FINITE,
    ProcessLostError: FailureClass.LOST_WORKER,
}
"""Errors whose message is for people, the special ones first."""

DETAIL_CHARACTERS = 20_000

logger = logging.getLogger(__name__)


def classify(error: BaseException) -> Failure:
    """Return the failure that an exception stands for; it is logged whole."""
    detail = "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS:]
    for kind, failure_class in OWN_WORDS.items():
        if isinstance(error, kind):
            return Failure(failure_class, str(error), detail)
    chain = list(_chain(error))
    if any(_is_memory(each) for each in chain):
        return Failure(FailureClass.OUT_OF_MEMORY, f"Out of memory: {_first_line(error)}", detail)
    if any(_is_full_disk(each) for each in chain):
        return Failure(FailureClass.STORAGE, f"Writing failed: {_first_line(error)}", detail)
    failure = bug(f"{type(error).__name__}: {_first_line(error)}", detail)
    logger.error("failure %s\n%s", failure.reference, detail)
    return failure


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from."""
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _is_memory(error: BaseException) -> bool:
    """Whether it is Python's, PyTorch's (known by name) or the system's lack of memory."""
    names = {each.__name__ for each in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError"}:
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in MEMORY_TEXTS)


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return True
    return any(text in str(error) for text in FULL_DISK_TEXTS)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:500]
