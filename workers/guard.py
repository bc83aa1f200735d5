"""Ends a job's processes when its worker dies: `python -I -S guard.py MARKER`.

The worker holds the other end of standard input, so that its death, however it comes, is the end
of file here. Standard library only: it starts in milliseconds and stays small.
"""

import os
import signal
import sys
import time
from pathlib import Path

VARIABLE = "LAB_JOB"
"""Every process of a job carries it, also those that left its session: `JOB-ATTEMPT@FOLDER`."""

KILL_WAIT_S = 10.0


def markers() -> dict[int, str]:
    """Return the marker of every live process that carries one, by process id."""
    found = {}
    prefix = f"{VARIABLE}=".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it ended, or belongs to someone else
        for word in words:
            if word.startswith(prefix):
                found[int(path.parent.name)] = word[len(prefix) :].decode(errors="replace")
    return found


def carriers(marker: str) -> list[int]:
    """Return the live processes of a job; zombies have no environment any more."""
    return [pid for pid, carried in markers().items() if carried == marker]


def end_all(marker: str, timeout_s: float = KILL_WAIT_S) -> bool:
    """SIGKILL every process of a job until none is left; return whether that succeeded."""
    deadline = time.monotonic() + timeout_s
    while pids := carriers(marker):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def end_group(group: int) -> None:
    """SIGKILL a process group, if there still is one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> None:
    """Wait for the worker to die, then end its job. The first line names the process group."""
    group = sys.stdin.readline().strip()
    sys.stdin.read()
    if group:
        end_group(int(group))
    end_all(sys.argv[1])


if __name__ == "__main__":
    main()
