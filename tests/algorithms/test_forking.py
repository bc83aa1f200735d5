"""Forks that do the work of a job."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from algorithms import forking


def _returns() -> int:
    sys.stdout.write("done")
    return 3


def _leaves() -> int:
    raise SystemExit(4)


def _leaves_with_words() -> int:
    raise SystemExit("words")


def _fails() -> int:
    raise KeyboardInterrupt


def _reads() -> int:
    return len(os.read(0, 1)) + (5 if os.getsid(0) == os.getpid() else 0)


@pytest.mark.parametrize(
    ("work", "status", "printed"),
    [
        (_returns, 3, "done"),
        (_leaves, 4, ""),
        (_leaves_with_words, 1, ""),
        (_fails, 1, "KeyboardInterrupt"),
        (_reads, 5, ""),
    ],
)
def test_a_fork_ends_with_the_status_of_its_work(
    work: Callable[[], int],
    status: int,
    printed: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As in a command; pytest's own go by no descriptor that a fork could redirect.
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    log = tmp_path / "log.txt"
    with log.open("ab") as output:
        pid = forking.fork(work, output=output.fileno())
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
        assert not output.closed
    assert printed in log.read_text()


def test_modules_that_cannot_be_imported_are_left_to_the_forks() -> None:
    forking.share("algorithms.no_such_module", "algorithms.jobs.dataset")
    assert "algorithms.jobs.dataset" in sys.modules
