"""`python -m launcher up` as a whole: web server, workers, and nothing left at the end."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from launcher.folder import free_port
from launcher.processes import marked

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0

pytestmark = pytest.mark.slow


class Up:
    """A started application and what it says."""

    def __init__(self, var: Path, port: int) -> None:
        own = {"LAB_VAR": str(var), "PORT": str(port), "LAB_WORKERS": "1"}
        addresses = {"DATABASE_URL", "CELERY_BROKER_URL"}
        self.inherited = {
            name: value for name, value in os.environ.items() if name not in addresses
        }
        self.var = var
        self.address = f"http://127.0.0.1:{port}/"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launcher", "up"],
            cwd=REPOSITORY,
            env={**self.inherited, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def wait_for(self, text: str) -> str:
        """Return the first line with a text, of those not read yet."""
        said = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                said.append(self._lines.get(timeout=1))
            except queue.Empty:
                assert self.process.poll() is None, f"it ended: {''.join(said)}"
                continue
            if text in said[-1]:
                return said[-1]
        pytest.fail(f"it never said {text!r}: {''.join(said)}")

    def processes(self) -> list[psutil.Process]:
        """Return what it started and still runs, database and broker included."""
        found = {process.pid: process for process in marked(self.var)}
        for process in psutil.process_iter():
            try:
                if process.cwd().startswith(f"{self.var}/") or str(self.var) in " ".join(
                    process.cmdline()
                ):
                    found[process.pid] = process
            except psutil.Error:
                continue
        return [process for process in found.values() if process.pid != self.process.pid]

    def worker(self, other_than: int = 0) -> psutil.Process:
        """Return the CPU worker, once there is one."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for process in marked(self.var):
                if process.pid != other_than and "--queues cpu" in " ".join(process.cmdline()):
                    return process
            time.sleep(0.1)
        pytest.fail("there is no CPU worker")

    def containers_health_check(self) -> int:
        """Return the exit status of the check that worker containers run, once a worker is in."""
        command = [sys.executable, "-m", "launcher", "run", "docker/healthy.py"]
        deadline = time.monotonic() + 60
        while True:
            environment = {**self.inherited, "LAB_VAR": str(self.var)}
            status = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False)
            if status.returncode == 0 or time.monotonic() > deadline:
                return status.returncode
            time.sleep(1)

    def wait_until_alone(self) -> list[psutil.Process]:
        """Return the processes that still run after some time for them to end."""
        deadline = time.monotonic() + 30
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "var", free_port())
    yield started
    started.process.kill()
    started.process.wait()
    assert started.wait_until_alone() == []


def test_it_serves_replaces_a_dead_worker_and_ctrl_c_leaves_nothing(up: Up) -> None:
    assert len(up.wait_for("Sign in as demo, password").split()[-1]) >= 12
    with urlopen(up.address, timeout=30) as answer:
        assert answer.status == 200
    assert {path.stem for path in (up.var / "log").glob("*.log")} == {
        "postgres",
        "broker",
        "web",
        "housekeeping",
        "cpu-1",
    }
    assert up.containers_health_check() == 0
    worker = up.worker()
    worker.kill()
    assert "cpu-1 was ended by SIGKILL" in up.wait_for("cpu-1")
    up.wait_for("Starting it again (1 of 3)")
    assert up.worker(other_than=worker.pid).is_running()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(90) == 0
    assert up.processes() == []


def test_after_a_kill_it_starts_again_with_the_same_account(up: Up) -> None:
    up.wait_for("Sign in as demo, password")
    up.process.kill()
    up.process.wait()
    assert up.wait_until_alone() == []
    again = Up(up.var, free_port())
    try:
        assert "printed at the first start" in again.wait_for("Sign in as demo, password")
    finally:
        again.process.terminate()
        assert again.process.wait(90) == 0
