"""How a worker starts the process that computes an attempt: as a fork of a warm one, or afresh."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

from algorithms.plugins import plugin_folders
from workers import guard
from workers.messages import channel, receive, send
from workers.runner import HEARTBEAT_VARIABLE

_MARK_ROOM = 64
"""Bytes of a mark beside the folder it names."""
_START_S = 120.0
"""Importing what a kind of job needs takes seconds; longer than this, it hangs."""
_LEAVE_S = 5.0


@dataclass(frozen=True)
class Order:
    """The attempt to compute."""

    job: int
    attempt: int
    kind: str
    mark: str
    """What the process carries in its environment, and hands down."""


class Runner(Protocol):
    """A process that computes an attempt, in a session of its own."""

    @property
    def pid(self) -> int | None:
        """Process id, also of its session and group; None until it has started."""

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait, up to so long; return its exit status, negative for signals."""

    def kill(self) -> None:
        """SIGKILL its group, or what would start it."""


def start(order: Order, *, output: int, heartbeat: int) -> Runner:
    """Return a runner that has started, or soon will.

    Args:
        output: the descriptor that it prints to.
        heartbeat: the descriptor that it gives signs of life to.

    Raises:
        OSError: no process can be started.
    """
    if settings.LAB_FORK_RUNNERS:
        return _server().fork(order, output=output, heartbeat=heartbeat)
    return Fresh(order, output=output, heartbeat=heartbeat)


class Fresh:
    """A runner that imports everything itself."""

    def __init__(self, order: Order, *, output: int, heartbeat: int) -> None:
        """Start it."""
        own = {guard.VARIABLE: order.mark, HEARTBEAT_VARIABLE: str(heartbeat)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.runner", str(order.job), str(order.attempt)],
            cwd=settings.BASE_DIR,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[heartbeat],
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id, also of its session and group."""
        return self._process.pid

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait, up to so long; return its exit status, negative for signals."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """SIGKILL its group."""
        guard.end_group(self.pid)


class Forked:
    """A runner that is forked from the server, which tells when and how it ended."""

    def __init__(self, server: "ForkServer", control: socket.socket) -> None:
        """Follow what the server tells of it."""
        self.pid: int | None = None
        self._server = server
        self._control = control
        self._status: int | None = None
        self._ordered_at = time.monotonic()

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait, up to so long; return its exit status, negative for signals.

        Also returns when it has just started. A server that is gone cannot tell any more: its
        runner counts as killed, and whoever waits ends what is left of it.
        """
        if self._status is None and select.select([self._control], [], [], seconds)[0]:
            told = _next(self._control) or {"status": -signal.SIGKILL}
            self.pid = told.get("pid", self.pid)
            self._status = told.get("status")
        elif self.pid is None and time.monotonic() > self._ordered_at + _START_S:
            self.kill()
        return self._status

    def kill(self) -> None:
        """SIGKILL its group, or the server before it has started."""
        if self.pid is None:
            self._server.kill()
        else:
            guard.end_group(self.pid)


class ForkServer:
    """`workers/fork_server.py` as a child process, at work on one order at a time."""

    def __init__(self) -> None:
        """Start it; it imports what the first order needs when that comes."""
        self._code = _code_on_disk()
        self._control, theirs = channel()
        # Runners write their marks over this one.
        room = "-" * (len(str(settings.VAR).encode()) + _MARK_ROOM)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.fork_server", str(theirs.fileno())],
                cwd=settings.BASE_DIR,
                env={**os.environ, guard.VARIABLE: room},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def is_good(self) -> bool:
        """Whether it lives and has imported the code that is on disk now."""
        return self._process.poll() is None and self._code == _code_on_disk()

    def fork(self, order: Order, *, output: int, heartbeat: int) -> Forked:
        """Return a runner that will start; the one before it must have ended."""
        # A server that is gone is noticed where its runner is waited for.
        with suppress(BrokenPipeError, ConnectionResetError):
            send(self._control, asdict(order), [output, heartbeat])
        return Forked(self, self._control)

    def kill(self) -> None:
        """SIGKILL it."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Have it end."""
        self._control.close()
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _next(control: socket.socket) -> dict[str, int] | None:
    with suppress(ConnectionResetError):
        if received := receive(control):
            return received[0]
    return None


class _Servers:
    """What this worker has started."""

    current: ForkServer | None = None


def _server() -> ForkServer:
    if _Servers.current is None or not _Servers.current.is_good():
        end_server()
        _Servers.current = ForkServer()
    return _Servers.current


def end_server() -> None:
    """End this worker's server, if there is one; the next runner starts another."""
    if _Servers.current is not None:
        _Servers.current.end()
        _Servers.current = None


def _code_on_disk() -> tuple[int, int]:
    """Return how many files of code there are and when the newest one was changed."""
    changed = [path.stat().st_mtime_ns for path in _code_files()]
    return len(changed), max(changed, default=0)


def _code_files() -> Iterator[Path]:
    for name in ("algorithms", "webapp", "workers"):
        yield from (settings.BASE_DIR / name).rglob("*.py")
    for folder in plugin_folders():
        yield from folder.glob("*.py")
