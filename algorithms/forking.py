"""Processes of jobs as forks of one that has imported torch (ADR 5).

The imports take seconds, and many a job less; a fork finds everything there.
"""

import gc
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def is_safe() -> bool:
    """Return whether no import can have touched a GPU: no fork survives that."""
    return sys.platform == "linux" and not Path("/proc/driver/nvidia").exists()


def share(*modules: str) -> None:
    """Import what the forks to come need.

    What cannot be imported is left to them: they meet it as well, and tell their job.
    """
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)
    # What was imported stays shared with the forks: their collectors leave it alone.
    gc.collect()
    gc.freeze()


def fork(work: Callable[[], int], *, output: int) -> int:
    """Return the number of a new process, which does the work in a session of its own.

    It reads nothing and ends with what `work` returned, with the status of a `SystemExit` that left
    it, or with 1 after printing any other exception.

    Args:
        work: what it does; it may replace the process.
        output: descriptor of what it prints to; still open here afterwards.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_the_fork(work, output)
    return pid


def leave(status: int) -> NoReturn:
    """End this process with what it printed, and no more."""
    try:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        # Everything is recorded; taking torch apart politely would cost every job a second.
        os._exit(status)


def _be_the_fork(work: Callable[[], int], output: int) -> NoReturn:
    status = 1
    try:
        os.setsid()
        _redirect(output)
        status = work()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may return into what this is a fork of
        traceback.print_exc()
    finally:
        leave(status)


def _redirect(output: int) -> None:
    """Read nothing; print to this descriptor."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, targets in ((nothing, (0,)), (output, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)
