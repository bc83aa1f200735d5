"""Runners by forking: `python -m workers.fork_server DESCRIPTOR`, one for each worker.

This process imports what a kind of job needs once, and each runner is a fork of it. It has no
threads, no connection to the database, and works on one order at a time:

    {"job": 7, "attempt": 1, "kind": "train", "mark": "7-1@..."} with two descriptors
    {"pid": 4711}   said by the runner, which is in a session of its own by then and marked
    {"status": 0}   said by this process when the runner has ended; negative for signals

It ends when the worker at the other end of the descriptor does and no runner is left.
"""

import ctypes
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import django

from algorithms import forking
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
            forking.share("workers.attempt", f"algorithms.jobs.{message['kind']}")
            status = _status_of_runner(control, message, output, heartbeat)
            send(control, {"status": status})


def _status_of_runner(
    control: socket.socket, order: Mapping[str, Any], output: int, heartbeat: int
) -> int:
    """Return the exit status of a runner when it has ended."""
    pid = forking.fork(lambda: _run(control, order, heartbeat), output=output)
    os.close(output)
    os.close(heartbeat)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run(control: socket.socket, order: Mapping[str, Any], heartbeat: int) -> int:
    """Do what `python -m workers.runner` would."""
    _mark(order["mark"])
    os.environ[runner.HEARTBEAT_VARIABLE] = str(heartbeat)
    send(control, {"pid": os.getpid()})
    control.close()
    return runner.main(order["job"], order["attempt"])


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
