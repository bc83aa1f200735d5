"""`python -m algorithms job` in a process and session of its own.

Where that is safe it is a fork of this process, which has imported what the kind of job needs: the
imports take seconds, and many a job less.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

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
        _import_for(kind)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_the_job(["job", kind, *options], log, lock)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        # Its number stays its own until it is asked for its status.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        raise
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _import_for(kind: str) -> None:
    # What cannot be imported fails the job, which says why in its log.
    with suppress(Exception):
        importlib.import_module(f"algorithms.jobs.{kind}")
    # What was imported stays shared with the jobs: their collectors leave it alone.
    gc.collect()
    gc.freeze()


def _be_the_job(arguments: Sequence[str], log: Path, lock: int) -> NoReturn:
    """Become the command, and never return."""
    status = 1
    try:
        os.setsid()
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        os.chdir(ROOT)
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        status = _command(arguments, lock)
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - an exception that leaves a command ends its process
        traceback.print_exc()
    finally:
        os._exit(status)


def _command(arguments: Sequence[str], lock: int) -> int:
    if not forking.is_safe():
        os.set_inheritable(lock, True)
        os.environ["PYTHONUNBUFFERED"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "algorithms", *arguments])  # noqa: S606
    return main(arguments)
