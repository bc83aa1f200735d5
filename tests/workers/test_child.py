"""Child processes, their guard, and the marks by which everything of a job is found."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from tests.workers.fake_runner import write_fake_runner
from workers import guard, runners
from workers.child import LOG_BYTES, Child, marker

SLEEPER = "import time; time.sleep(60)"


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def start(mark: str, code: str = SLEEPER, *, session: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        env={**os.environ, guard.VARIABLE: mark},
        start_new_session=session,
    )


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark that only this test uses; nothing that carries it survives."""
    mark = f"1-1@test-{os.getpid()}-{time.monotonic_ns()}"
    yield mark
    guard.end_all(mark)


def test_every_process_with_the_mark_is_ended_whatever_its_session(mark: str) -> None:
    processes = [start(mark), start(mark, session=True)]
    stranger = start(mark + "0")
    until(lambda: len(guard.carriers(mark)) == 2)
    assert guard.end_all(mark)
    assert [process.wait(5) for process in processes] == [-signal.SIGKILL] * 2
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_process_that_multiplies_is_ended(mark: str) -> None:
    fork = "import os, time\nfor _ in range(40):\n    os.fork() or time.sleep(60)"
    process = start(mark, fork)
    until(lambda: len(guard.carriers(mark)) > 3)
    assert guard.end_all(mark)
    process.wait()
    assert guard.carriers(mark) == []


def test_a_stopped_process_is_ended(mark: str) -> None:
    process = start(mark)
    process.send_signal(signal.SIGSTOP)
    until(lambda: guard.carriers(mark) == [process.pid])
    assert guard.end_all(mark)
    assert process.wait(5) == -signal.SIGKILL


@pytest.fixture
def watched(mark: str) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """A guard and what it guards."""
    patient = start(mark, session=True)
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, mark], stdin=subprocess.PIPE
    )
    yield watcher, patient
    for process in (watcher, patient):
        process.kill()
        process.communicate()


def test_the_guard_ends_the_job_when_its_pipe_breaks_and_then_itself(
    watched: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    watcher, patient = watched
    assert watcher.stdin is not None
    watcher.stdin.write(f"{patient.pid}\n".encode())
    watcher.stdin.close()
    assert patient.wait(10) == -signal.SIGKILL
    assert watcher.wait(10) == 0


def test_the_guard_ends_the_job_also_if_it_was_never_told_its_group(
    watched: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    watcher, patient = watched
    assert watcher.stdin is not None
    watcher.stdin.close()
    assert patient.wait(10) == -signal.SIGKILL


def test_the_guard_is_small(
    watched: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    watcher, _ = watched
    time.sleep(0.3)
    assert psutil.Process(watcher.pid).memory_info().rss < 25 * 2**20


@pytest.fixture(params=[False, True], ids=["fresh", "forked"])
def fake_runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Child]]:
    """Start a child whose `workers.runner` is the given code, in either way."""
    monkeypatch.setenv("PYTHONPATH", str(Path(guard.__file__).parents[1]))
    monkeypatch.setattr("django.conf.settings.BASE_DIR", tmp_path)
    monkeypatch.setattr("django.conf.settings.LAB_FORK_RUNNERS", request.param)

    def begin(code: str) -> Child:
        write_fake_runner(tmp_path, code)
        return Child(os.getpid(), 1 + request.param, "nothing")

    runners.end_server()
    yield begin
    runners.end_server()


def test_what_a_runner_prints_is_kept_and_its_exit_status_returned(
    fake_runner: Callable[[str], Child],
) -> None:
    child = fake_runner("import sys; print('said this'); sys.exit(7)")
    until(lambda: child.wait(0.1) is not None)
    assert child.end() == 7
    assert child.last_output() == "said this\n"


def test_a_runner_that_prints_without_end_does_not_fill_the_disk(
    fake_runner: Callable[[str], Child],
) -> None:
    child = fake_runner(f"print('x' * 99 + chr(10), end='')\nprint('y' * {3 * LOG_BYTES})")
    until(lambda: child.wait(0.1) is not None)
    child.end()
    sizes = [path.stat().st_size for path in child.log.parent.glob(f"{child.log.stem}.log*")]
    assert len(sizes) == 2
    assert max(sizes) <= LOG_BYTES + 2**17
    assert child.last_output().endswith("y\n")


def test_a_runner_that_gives_no_sign_of_life_is_known(
    fake_runner: Callable[[str], Child],
) -> None:
    child = fake_runner(
        "import os, time\nfd = int(os.environ['LAB_HEARTBEAT_FD'])\n"
        "os.write(fd, b'.'); time.sleep(1); os.write(fd, b'.'); time.sleep(60)"
    )
    assert child.silent_s() == 0.0 or child.pid is not None
    until(lambda: child.wait(0.1) is None and child.pid is not None)
    time.sleep(1.5)
    heard = child.silent_s()
    time.sleep(0.5)
    assert child.silent_s() > 0.4
    assert heard < 1.4
    assert child.end() == -signal.SIGKILL


def test_ending_a_child_leaves_neither_it_nor_its_guard(
    fake_runner: Callable[[str], Child],
) -> None:
    before = set(psutil.Process().children())
    child = fake_runner(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\ntime.sleep(60)"
    )
    until(lambda: len(guard.carriers(child.marker)) == 2)
    assert child.end() == -signal.SIGKILL
    assert guard.carriers(child.marker) == []
    runners.end_server()
    assert set(psutil.Process().children()) - before == set()


def test_a_runner_asked_to_stop_before_it_has_started_is_asked_when_it_has(
    fake_runner: Callable[[str], Child],
) -> None:
    child = fake_runner("import time; time.sleep(60)")
    child.ask_to_stop()
    until(lambda: child.wait(0.1) is not None)
    assert child.end() == -signal.SIGTERM


def test_a_runner_whose_server_was_killed_counts_as_killed_and_leaves_nothing(
    fake_runner: Callable[[str], Child], request: pytest.FixtureRequest
) -> None:
    before = set(psutil.Process().children())
    child = fake_runner("import time; time.sleep(60)")
    until(lambda: child.wait(0.1) is None and child.pid is not None)
    started = set(psutil.Process().children()) - before
    for process in started - {psutil.Process(child.pid)}:
        if guard.__file__ not in process.cmdline():
            process.kill()
    if "forked" in request.node.name:
        until(lambda: child.wait(0.1) == -signal.SIGKILL)
    assert child.end() == -signal.SIGKILL
    assert guard.carriers(child.marker) == []


def test_runners_are_forked_from_the_same_process_until_code_changes(
    fake_runner: Callable[[str], Child], tmp_path: Path
) -> None:
    if not settings.LAB_FORK_RUNNERS:
        pytest.skip("starts each runner afresh")
    parents = []
    for change in (False, False, True):
        if change:
            (tmp_path / "workers" / "new.py").touch()
        child = fake_runner("import os; print(os.getppid())")
        until(lambda now=child: now.wait(0.1) is not None)  # type: ignore[misc]
        assert child.end() == 0
        parents.append(child.last_output().split()[-1])
    assert parents[0] == parents[1] != parents[2]


def test_marks_of_two_installations_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    here = marker(1, 1)
    monkeypatch.setattr("django.conf.settings.VAR", Path("/elsewhere"))
    assert marker(1, 1) != here
