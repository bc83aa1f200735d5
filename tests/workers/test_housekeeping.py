"""What is left behind on a machine is found and removed; what is in use is not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests.webapp.jobs.graphs import dataset, fail, policy, succeed, take
from webapp.jobs.models import Artifact, Worker
from webapp.jobs.services import jobs_ensure
from webapp.jobs.store import default_store
from workers import guard
from workers.attempt import checkpoint_folder
from workers.child import marker
from workers.heartbeat import Presence
from workers.housekeeping import KEEP_S, end_orphans, tidy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own."""
    monkeypatch.setattr(settings, "VAR", tmp_path)
    return tmp_path


def carry(job_id: int, attempt: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"],
        env={**os.environ, guard.VARIABLE: marker(job_id, attempt)},
        start_new_session=True,
    )


def test_processes_of_ended_and_overtaken_attempts_are_killed_and_of_running_ones_not() -> None:
    jobs_ensure(nodes=[policy(), dataset()], user=None)
    running, ended = take(), take()
    fail(ended)
    processes = {
        "running": carry(running.job_id, running.attempt),
        "overtaken": carry(running.job_id, running.attempt - 1),
        "ended": carry(ended.job_id, ended.attempt),
        "unknown": carry(10**9, 1),
    }
    time.sleep(0.2)
    assert end_orphans() == 3
    alive = {name for name, process in processes.items() if process.poll() is None}
    for process in processes.values():
        process.kill()
        process.wait()
    assert alive == {"running"}


def old(folder: Path) -> Path:
    """Make a folder that was last touched long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    past = time.time() - KEEP_S - 60
    os.utime(folder, (past, past))
    return folder


def test_only_what_no_row_and_no_running_attempt_has_is_removed() -> None:
    jobs_ensure(nodes=[policy(), dataset()], user=None)
    done, running = take(), take()
    succeed(done)
    root = default_store().root
    kept = [
        old(root / Artifact.objects.get().path),
        old(root / f".staging-{running.job_id}-{running.attempt}"),
    ]
    fresh = root / "77-1"
    fresh.mkdir()
    for name in ("88-1", ".staging-88-2", f".staging-{running.job_id}-0", ".staging-upload-x"):
        old(root / name)
    assert tidy() == 4
    assert sorted(root.iterdir()) == sorted([*kept, fresh])


def test_checkpoints_stay_until_the_job_has_succeeded() -> None:
    jobs_ensure(nodes=[policy(), dataset()], user=None)
    failed, done = take(), take()
    folders = [checkpoint_folder(each.job_id, 1) for each in (failed, done)]
    fail(failed)
    succeed(done)
    checkpoint_folder(10**9, 1)
    assert tidy() == 2
    assert [folder.exists() for folder in folders] == [True, False]


def test_a_new_attempt_takes_the_checkpoints_and_shuts_the_old_one_out(var: Path) -> None:
    first = checkpoint_folder(5, 1)
    (first / "step-10").write_text("ten")
    third = checkpoint_folder(5, 3)
    assert (third / "step-10").read_text() == "ten"
    assert not first.exists()
    with pytest.raises(FileNotFoundError):
        (first / "step-20").write_text("too late")
    assert checkpoint_folder(5, 3) == third


def test_a_worker_is_known_while_it_lives_and_says_goodbye() -> None:
    presence = Presence("cpu@here:1", ["cpu"])
    row = Worker.objects.get()
    assert (row.name, row.labels, row.pid) == ("cpu@here:1", ["cpu"], os.getpid())
    assert row.devices["cores"] >= 1
    assert row.devices["memory_bytes"] > 0
    Worker.objects.update(stopped_at=row.heartbeat_at)
    presence._touch()
    assert Worker.objects.get().stopped_at is None
    assert Worker.objects.get().heartbeat_at > row.heartbeat_at
    presence.leave()
    assert Worker.objects.get().stopped_at is not None
