"""`python -m algorithms job` in a process and session of its own.

Where that is safe it is a fork of this process, which has imported what the kind of job needs.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from algorithms import forking
from algorithms.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(kind: str, options: Sequence[str], log: Path, *, lock: int) -> int:
    """Run one job to its end; return its exit status, negative for signals.

    Args:
        kind: the kind of job.
        options: what follows it on the command line.
        log: file that its output is appended to.
        lock: a descriptor that it holds open as long as it lives.

    Raises:
        KeyboardInterrupt: as it came, once the job has saved its checkpoint and ended.
    """
    # An interrupt must not fall into an import, nor between the fork and the wait.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    if forking.is_safe():
        forking.share(f"algorithms.jobs.{kind}")
    with log.open("ab") as output:
        pid = forking.fork(lambda: _command(["job", kind, *options], lock), output=output.fileno())
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        # Its number stays its own until it is asked for its status.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        raise
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _command(arguments: Sequence[str], lock: int) -> int:
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    os.chdir(ROOT)
    if not forking.is_safe():
        os.set_inheritable(lock, True)
        os.environ["PYTHONUNBUFFERED"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "algorithms", *arguments])  # noqa: S606
    return main(arguments)
