"""Child processes: started in their own session, named, logged, watched and stopped whole."""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from launcher.privileges import wrapped

MARK = "LAB_LAUNCHED_IN"
"""Environment variable that every process of ours carries: the data folder it works for."""
KILL_WAIT_S = 5.0


@dataclass(frozen=True)
class Command:
    """What to run, under which name, and how it is asked to stop."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 15.0
    cwd: Path | None = None
    leave_root: bool = False


class Child:
    """One process that the launcher started."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.name = command.name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None before the first start."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """None before and while it runs; negative where a signal ended it."""
        return self._process.poll() if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches only the launcher."""
        command = self.command
        argv = wrapped(
            command.argv, on_parent_death=command.stop_signal, leave_root=command.leave_root
        )
        with command.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                env={**os.environ, **command.env},
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask_to_stop(self) -> None:
        """Send the signal on which this process ends by itself."""
        if self._process and self.is_running:
            self._process.send_signal(self.command.stop_signal)

    def stop(self, grace_s: float | None = None) -> None:
        """End the process and everything it started: politely, then by SIGKILL."""
        if self._process is None:
            return
        family = descendants(self._process.pid)
        self.ask_to_stop()
        try:
            self._process.wait(self.command.grace_s if grace_s is None else grace_s)
        except subprocess.TimeoutExpired:
            family += descendants(self._process.pid)
            self._process.kill()
        kill_all(family)
        self._process.wait()

    def kill(self) -> None:
        """End the process as a crash would: SIGKILL, and its children are not looked after."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tail(self, lines: int = 5) -> str:
        """Return the last lines of its log."""
        return tail(self.command.log, lines)


def tail(log: Path, lines: int) -> str:
    """Return the last lines of a text file; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def describe_exit(status: int) -> str:
    """Say how a process ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"


def descendants(pid: int) -> list[psutil.Process]:
    """Return the children of a process and theirs, those in other sessions included."""
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL what still runs of these, and wait until it is gone."""
    remaining = list(processes)
    for process in remaining:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(remaining, timeout=KILL_WAIT_S)


def end_in_time(process: psutil.Process, grace_s: float) -> None:
    """Wait for a process that was asked to stop, and SIGKILL it when it takes too long."""
    try:
        process.wait(grace_s)
    except psutil.TimeoutExpired:
        kill_all([process])


def marked(var: Path) -> list[psutil.Process]:
    """Return every process that a launcher started for this data folder, except this one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(var):
                found.append(process)
    return found


def sweep(var: Path) -> int:
    """Kill what a launcher started for this data folder and could not stop; return how many."""
    left = [process for process in marked(var) if process.status() != psutil.STATUS_ZOMBIE]
    kill_all(left)
    return len(left)
