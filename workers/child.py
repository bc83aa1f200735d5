"""The runner as a child process: started, listened to, and ended with everything it started."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from django.conf import settings

from workers import guard, runners
from workers.guard import end_all

LOG_BYTES = 5 * 2**20
"""A log file is moved aside when it is as long; one old file is kept."""
CHUNK_BYTES = 65_536


def marker(job_id: int, attempt: int) -> str:
    """Return the mark that every process of this attempt carries in its environment."""
    return f"{job_id}-{attempt}@{settings.VAR}"


def log_path(job_id: int, attempt: int) -> Path:
    """Return where the runner's standard output and error are kept."""
    folder: Path = settings.VAR / "log" / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{job_id}-{attempt}.log"


class Child:
    """One runner in its own session, and the guard that outlives this worker."""

    def __init__(self, job_id: int, attempt: int, kind: str) -> None:
        """Start both.

        Raises:
            OSError: no process can be started.
        """
        self.marker = marker(job_id, attempt)
        self.log = log_path(job_id, attempt)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, self.marker],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._heartbeat, heartbeat = os.pipe()
        os.set_blocking(self._heartbeat, False)
        os.set_blocking(heartbeat, False)
        self._output, output = os.pipe()
        order = runners.Order(job_id, attempt, kind, self.marker)
        try:
            self._runner = runners.start(order, output=output, heartbeat=heartbeat)
        except BaseException:
            self._end_guard()
            os.close(self._output)
            raise
        finally:
            os.close(heartbeat)
            os.close(output)
        self._guard_knows = self._is_to_stop = False
        self._heard_at = time.monotonic()
        self._pump = threading.Thread(target=self._copy_output, name="job output", daemon=True)
        self._pump.start()
        self.wait(0)

    @property
    def pid(self) -> int | None:
        """Process id, also of its session and group; None until the runner has started."""
        return self._runner.pid

    def wait(self, seconds: float) -> int | None:
        """Wait up to so long for the runner; return its exit status, negative for signals.

        Also returns when the runner has just started.
        """
        status = self._runner.wait(seconds)
        if self.pid is not None and not self._guard_knows:
            self._has_started()
        return status

    def _has_started(self) -> None:
        self._guard_knows = True
        self._heard_at = time.monotonic()
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.write(f"{self.pid}\n".encode())
            self._guard.stdin.flush()
        if self._is_to_stop:
            self.ask_to_stop()

    def silent_s(self) -> float:
        """Return for how many seconds the runner has given no sign of life since it started."""
        if self.pid is None:
            return 0.0
        with suppress(BlockingIOError):
            if os.read(self._heartbeat, CHUNK_BYTES):
                self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at

    def ask_to_stop(self) -> None:
        """SIGTERM to the group once it is there: the runner saves a checkpoint and ends."""
        self._is_to_stop = True
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)

    def end(self) -> int:
        """SIGKILL what is left of the job, also outside its group; return the exit status.

        Raises:
            RuntimeError: Something of it cannot be killed.
        """
        while (status := self._runner.wait(0)) is None:
            self._runner.kill()
            self._runner.wait()
        if not end_all(self.marker):
            raise RuntimeError(f"processes of {self.marker} do not die")
        self._end_guard()
        self._pump.join(timeout=5)
        return status

    def _end_guard(self) -> None:
        self._guard.kill()
        self._guard.communicate()
        os.close(self._heartbeat)

    def _copy_output(self) -> None:
        """Copy what the runner prints to its log, keeping the newest 5 to 10 MB."""
        with os.fdopen(self._output, "rb", buffering=0) as source:
            file: IO[bytes] = self.log.open("ab")
            try:
                while chunk := source.read(CHUNK_BYTES):
                    file = self._rotated(file)
                    with suppress(OSError):  # a full disk must not stop the job
                        file.write(chunk)
                        file.flush()
            finally:
                file.close()

    def _rotated(self, file: IO[bytes]) -> IO[bytes]:
        if file.tell() < LOG_BYTES:
            return file
        file.close()
        self.log.replace(self.log.with_suffix(".log.1"))
        return self.log.open("ab")

    def last_output(self, size: int = 4000) -> str:
        """Return the end of what the runner printed."""
        text = b""
        for path in (self.log.with_suffix(".log.1"), self.log):
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - size))
                text += file.read()
        return text[-size:].decode(errors="replace")
