"""What the end of a runner that left no word means."""

import signal
from pathlib import Path

from webapp.jobs.failures import Failure, bug, lost_worker
from webapp.jobs.states import FailureClass

DONE = 0
FAILED = 1
"""The failure is recorded."""
STOPPED = 75
"""Obeyed SIGTERM: what was reached is in the checkpoint."""
LEASE_LOST = 76
"""Another attempt holds the job, or it ended: nothing to record."""

CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}


def memory_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory; 0 where it is unknown."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))


def failure_of(status: int, output: str, *, killed_for_memory: bool) -> Failure:
    """Return why a runner failed that ended without recording anything.

    Args:
        status: Exit status, negative for a signal.
        output: The last it printed.
        killed_for_memory: The kernel ended some process for lack of memory while it ran.
    """
    if status == -signal.SIGKILL and killed_for_memory:
        message = "The machine ran out of memory and ended the job's process."
        return Failure(FailureClass.OUT_OF_MEMORY, message, output)
    if status == -signal.SIGKILL:
        message = (
            "The job's process was killed by signal 9 (SIGKILL), possibly because the machine "
            "ran out of memory."
        )
        return lost_worker(message, output)
    if -status in CRASHES:
        return bug(f"The job's process crashed with {signal.Signals(-status).name}.", output)
    if status < 0:
        return lost_worker(f"The job's process was ended by {_signal_name(-status)}.", output)
    if status == STOPPED:
        return lost_worker("The job's process was asked to stop from outside.", output)
    return bug(f"The job's process ended with status {status} and left no result.", output)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
