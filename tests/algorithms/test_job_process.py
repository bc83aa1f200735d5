"""A job in a process of its own, forked or afresh."""

import sys
from pathlib import Path

import pytest

from algorithms import forking, job_process

SPEC = '{"source": {"source": "arithmetic", "digits": 1, "train": 8, "test": 2}}'


@pytest.mark.parametrize("forked", [True, False])
def test_it_ends_as_the_command_would_and_prints_to_its_log(
    *, forked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "is_safe", lambda: forked)
    # As in the launcher; pytest's own go by no descriptor that a fork could redirect.
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    spec, log = tmp_path / "spec.json", tmp_path / "log.txt"
    options = [f"--spec={spec}", f"--output={tmp_path / 'out'}", f"--work={tmp_path / 'work'}"]
    with (tmp_path / "lock").open("w") as lock:
        assert job_process.run("dataset", options, log, lock=lock.fileno()) == 2
        assert "spec.json cannot be read" in log.read_text()
        spec.write_text(SPEC)
        assert job_process.run("dataset", options, log, lock=lock.fileno()) == 0
    assert '"rows": 10' in log.read_text()
    assert (tmp_path / "out" / "rows.parquet").is_file()
