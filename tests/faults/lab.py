"""A laboratory of real processes: Celery workers and runners on the test database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from webapp.jobs.models import Job
from webapp.jobs.states import FINISHED, JobState
from webapp.jobs.sweep import sweep
from workers.guard import markers

REPOSITORY = Path(__file__).resolve().parents[2]

FAST = {
    "LAB_LEASE_S": "4",
    "LAB_LEASE_RENEW_S": "1",
    "LAB_STOP_GRACE_S": "10",
    "LAB_RETRY_SCALE": "0.01",
    "OMP_NUM_THREADS": "1",
}
WAIT_S = 120.0
"""Long, for machines that do much else at the same time; everything takes seconds otherwise."""


class Lab:
    """Starts workers, waits for what they do, and ends them all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        database = connection.settings_dict
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
        self.environment = {**os.environ, **FAST, **environment, "DATABASE_URL": url}
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self, labels: str = "cpu", *options: str) -> subprocess.Popen[bytes]:
        """Start a worker as the launcher does."""
        log = settings.VAR / "log" / f"worker-{len(self.workers)}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "celery", "-A", "workers.celery", "worker"]
        argv += ["--pool", "solo", "-Q", labels, "-l", "INFO"]
        argv += ["--without-gossip", "--without-mingle", *options]
        with log.open("ab") as file:
            worker = subprocess.Popen(
                argv, cwd=REPOSITORY, env=self.environment, stdout=file, stderr=file
            )
        self.workers.append(worker)
        return worker

    def wait_for(
        self, condition: Callable[[], bool], timeout_s: float = WAIT_S, *, sweeping: bool = True
    ) -> None:
        """Wait until something is so, sweeping meanwhile as Celery's clock would."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout_s} s in vain; {self.situation()}")
            if sweeping:
                sweep()
            time.sleep(0.2)

    def wait_until_finished(self, *jobs: Job, timeout_s: float = WAIT_S) -> None:
        """Wait until these jobs have ended."""
        ids = [job.pk for job in jobs]
        finished = Job.objects.filter(pk__in=ids, state__in=FINISHED)
        self.wait_for(lambda: finished.count() == len(ids), timeout_s)

    def wait_until_at(self, job: Job, done: int, timeout_s: float = WAIT_S) -> None:
        """Wait until a running job has reported so much progress."""
        row = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, progress_done__gte=done)
        self.wait_for(row.exists, timeout_s)

    def situation(self) -> str:
        """Return what the jobs and the last lines of the workers say."""
        rows = Job.objects.values_list("id", "kind", "state", "attempt", "failure_message")
        logs = sorted((settings.VAR / "log").glob("worker-*.log"))
        tails = "\n".join(log.read_text()[-2000:] for log in logs)
        return f"{list(rows)}\n{tails}"

    def processes_of(self, job: Job) -> list[psutil.Process]:
        """Return the live processes that carry the mark of a job, the runner first."""
        found = [
            psutil.Process(pid)
            for pid, mark in markers().items()
            if mark.startswith(f"{job.pk}-") and mark.endswith(f"@{settings.VAR}")
        ]
        return sorted(found, key=lambda process: process.create_time())

    def await_silence(self, processes: list[psutil.Process], timeout_s: float = 10) -> None:
        """Wait until none of these processes is left but as a zombie."""
        self.wait_for(lambda: not any(map(alive, processes)), timeout_s, sweeping=False)

    def runner_of(self, job: Job) -> psutil.Process:
        """Return the runner of a job."""
        return self.processes_of(job)[0]

    def close(self) -> None:
        """End the workers as a person would, then by force; nothing of theirs may be left."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def ours() -> dict[int, str]:
    """Return processes that carry a mark of this test run."""
    return {pid: mark for pid, mark in markers().items() if mark.endswith(f"@{settings.VAR}")}


def alive(process: psutil.Process) -> bool:
    """Whether a process still executes; a zombie does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
