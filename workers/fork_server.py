"""Runners by forking: `python -m workers.fork_server DESCRIPTOR`, one for each worker.

Importing torch and transformers takes seconds, longer than many a job. This process imports what a
kind of job needs once, and each runner is a fork of it that finds everything there. It has no
threads, no connection to the database, and works on one order at a time:

    {"job": 7, "attempt": 1, "kind": "train", "mark": "7-1@..."} with two descriptors
    {"pid": 4711}   said by the runner, which is in a session of its own by then and marked
    {"status": 0}   said by this process when the runner has ended; negative for signals

It ends when the worker at the other end of the descriptor does and no runner is left.
"""

import ctypes
import gc
import importlib
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import django

from workers import guard, runner
from workers.messages import receive, send

_ENVIRONMENT_FIELD = 50
"""Number of `env_start` in /proc/self/stat (proc(5)); the first after the command's name is 3."""


def main() -> None:
    """Obey orders until the worker is gone."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    control = socket.socket(fileno=int(sys.argv[1]))
    django.setup()
    with suppress(BrokenPipeError, ConnectionResetError):
        while order := receive(control, descriptors=2):
            message, (output, heartbeat) = order
            _import_for(message["kind"])
            status = _fork(control, message, output, heartbeat)
            send(control, {"status": status})


def _import_for(kind: str) -> None:
    """Import what a kind of job needs, if that succeeds."""
    try:
        importlib.import_module("workers.attempt")
        importlib.import_module(f"algorithms.jobs.{kind}")
    except Exception:  # noqa: BLE001 - the runner meets it as well, and tells its job
        sys.excepthook(*sys.exc_info())


def _fork(control: socket.socket, order: Mapping[str, Any], output: int, heartbeat: int) -> int:
    """Return the exit status of a runner when it has ended."""
    # What was imported stays shared with the runner: its collector leaves it alone.
    gc.collect()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        _be_runner(control, order, output, heartbeat)
    os.close(output)
    os.close(heartbeat)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _be_runner(
    control: socket.socket, order: Mapping[str, Any], output: int, heartbeat: int
) -> None:
    """Become what `python -m workers.runner` would be, and never return."""
    try:
        os.setsid()
        _redirect(output)
        _mark(order["mark"])
        os.environ[runner.HEARTBEAT_VARIABLE] = str(heartbeat)
        send(control, {"pid": os.getpid()})
        control.close()
        status = runner.main(order["job"], order["attempt"])
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - an exception that leaves main ends a process with 1
        sys.excepthook(*sys.exc_info())
        status = 1
    runner.leave(status)


def _redirect(output: int) -> None:
    """Read nothing; print to this descriptor."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, targets in ((nothing, (0,)), (output, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)


def _mark(text: str) -> None:
    """Have `guard.markers` find this process: write over the mark that it was started with.

    What the kernel shows of a process's environment is the memory that `execve` filled; putting a
    variable into `os.environ` does not reach it.

    Raises:
        RuntimeError: the room left for the mark is too small.
    """
    os.environ[guard.VARIABLE] = text
    shown = Path("/proc/self/environ").read_bytes()
    name = f"{guard.VARIABLE}=".encode()
    place = shown.find(b"\0" + name) + 1 if not shown.startswith(name) else 0
    start = place + len(name)
    room = shown.index(b"\0", start) - start
    value = text.encode()
    if not shown.startswith(name, place) or len(value) > room:
        raise RuntimeError(f"no room in the environment for the mark {text}")
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ctypes.memmove(int(fields[_ENVIRONMENT_FIELD - 3]) + start, value.ljust(room, b"\0"), room)


if __name__ == "__main__":
    main()
