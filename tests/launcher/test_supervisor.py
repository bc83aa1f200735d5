"""Starting, watching and ending processes, with real ones."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from launcher.errors import LauncherError
from launcher.processes import MARK, Child, Command, describe_exit, marked, sweep
from launcher.supervisor import MAX_RESTARTS, Supervisor

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("on", flush=True)
time.sleep(600)
"""
WITH_RUNNER = """
import subprocess, sys, time
code = "import time; time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
print("runner", child.pid, flush=True)
time.sleep(600)
"""


def wait_for(true: Callable[[], object], timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path, said.append)
    yield made
    made.stop()


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Command]:
    def make(code: str, name: str = "worker", grace_s: float = 10) -> Command:
        return Command(
            name=name,
            argv=[sys.executable, "-c", code],
            log=tmp_path / f"{name}.log",
            env={MARK: str(tmp_path)},
            grace_s=grace_s,
        )

    return make


def test_a_dead_process_is_reported_with_its_last_words_and_started_again(
    supervisor: Supervisor, said: list[str], command: Callable[..., Command]
) -> None:
    child = supervisor.start(command("print('out of luck'); raise SystemExit(3)"))
    wait_for(lambda: child.exit_status == 3)
    supervisor.check()
    assert "worker ended with exit status 3" in said[0]
    assert "out of luck" in said[0]
    assert f"(1 of {MAX_RESTARTS})" in said[0]
    assert child.is_running or child.exit_status == 3


def test_a_process_that_dies_again_and_again_ends_the_launcher(
    supervisor: Supervisor, said: list[str], command: Callable[..., Command]
) -> None:
    child = supervisor.start(command("raise SystemExit(3)"))
    for _ in range(MAX_RESTARTS):
        wait_for(lambda: child.exit_status == 3)
        supervisor.check()
    wait_for(lambda: child.exit_status == 3)
    with pytest.raises(LauncherError, match=f"restarted {MAX_RESTARTS} times already"):
        supervisor.check()
    assert len(said) == MAX_RESTARTS


def test_a_dead_database_ends_the_launcher_at_once(
    supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    child = Child(command("import time; time.sleep(600)", name="postgres"))
    child.start()
    supervisor.need([child])
    supervisor.check()
    child.kill()
    with pytest.raises(LauncherError, match="postgres was ended by SIGKILL"):
        supervisor.check()


def test_a_process_that_ignores_the_signal_is_killed_after_its_grace(
    supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    child = supervisor.start(command(STUBBORN, grace_s=0.5))
    wait_for(lambda: child.tail() == "on")
    supervisor.stop()
    assert child.exit_status == -signal.SIGKILL


def test_stopping_ends_grandchildren_in_sessions_of_their_own(
    supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    child = supervisor.start(command(WITH_RUNNER))
    wait_for(child.tail)
    runner = int(child.tail().split()[1])
    assert os.getsid(runner) == runner
    supervisor.stop()
    assert not is_alive(runner)


def test_what_a_killed_process_left_is_found_by_its_mark(
    tmp_path: Path, supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    child = supervisor.start(command(WITH_RUNNER))
    wait_for(child.tail)
    runner = int(child.tail().split()[1])
    child.kill()
    assert [process.pid for process in marked(tmp_path)] == [runner]
    assert sweep(tmp_path) == 1
    assert not is_alive(runner)


def test_the_mark_of_another_folder_is_left_alone(
    tmp_path: Path, supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    child = supervisor.start(command("import time; time.sleep(600)"))
    assert sweep(tmp_path / "another") == 0
    assert child.is_running


def test_output_goes_to_the_log_and_keeps_what_was_there(
    tmp_path: Path, supervisor: Supervisor, command: Callable[..., Command]
) -> None:
    (tmp_path / "worker.log").write_text("yesterday\n")
    child = supervisor.start(command("import sys; print('today'); print('oh', file=sys.stderr)"))
    wait_for(lambda: not child.is_running)
    assert set(child.tail().splitlines()) == {"yesterday", "today", "oh"}


def test_the_way_a_process_ended_is_said_in_words() -> None:
    assert describe_exit(-9) == "was ended by SIGKILL"
    assert describe_exit(1) == "ended with exit status 1"
