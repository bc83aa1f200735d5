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

from workers import guard
from workers.guard import end_all, end_group

HEARTBEAT_VARIABLE = "LAB_HEARTBEAT_FD"
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

    def __init__(self, job_id: int, attempt: int) -> None:
        """Start both."""
        self.marker = marker(job_id, attempt)
        self.log = log_path(job_id, attempt)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, self.marker],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._heartbeat, writer = os.pipe()
        os.set_blocking(self._heartbeat, False)
        os.set_blocking(writer, False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.runner", str(job_id), str(attempt)],
            cwd=settings.BASE_DIR,
            env={**os.environ, guard.VARIABLE: self.marker, HEARTBEAT_VARIABLE: str(writer)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
            start_new_session=True,
        )
        os.close(writer)
        self._tell_guard()
        self._heard_at = time.monotonic()
        self._pump = threading.Thread(target=self._copy_output, name="job output", daemon=True)
        self._pump.start()

    @property
    def pid(self) -> int:
        """Process id, also of its session and group."""
        return self._process.pid

    def _tell_guard(self) -> None:
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.write(f"{self.pid}\n".encode())
            self._guard.stdin.flush()

    def wait(self, seconds: float) -> int | None:
        """Wait up to so long for the runner; return its exit status, negative for signals."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def silent_s(self) -> float:
        """Return for how many seconds the runner has given no sign of life."""
        with suppress(BlockingIOError):
            if os.read(self._heartbeat, CHUNK_BYTES):
                self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at

    def ask_to_stop(self) -> None:
        """SIGTERM to the group: the runner saves a checkpoint and ends."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)

    def end(self) -> int:
        """SIGKILL what is left of the job, also outside its group; return the exit status.

        Raises:
            RuntimeError: Something of it cannot be killed.
        """
        if self._process.poll() is None:
            end_group(self.pid)
        status = self._process.wait()
        if not end_all(self.marker):
            raise RuntimeError(f"processes of {self.marker} do not die")
        self._guard.kill()
        self._guard.communicate()
        self._pump.join(timeout=5)
        os.close(self._heartbeat)
        return status

    def _copy_output(self) -> None:
        """Copy what the runner prints to its log, keeping the newest 5 to 10 MB."""
        assert self._process.stdout is not None
        with self._process.stdout as source:
            file: IO[bytes] = self.log.open("ab")
            try:
                while chunk := os.read(source.fileno(), CHUNK_BYTES):
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
