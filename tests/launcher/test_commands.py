"""The launcher's command line, as a person uses it: with processes, exit statuses and one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.application import worker_argv, worker_count
from launcher.errors import LauncherError
from launcher.services import running

REPOSITORY = Path(__file__).resolve().parents[2]
ASK = "import os; print(*(os.environ[name] for name in ('DATABASE_URL', 'LAB_VAR')))"


def launcher(*words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run the launcher without the addresses of this test run's services."""
    own = {"DATABASE_URL": None, "CELERY_BROKER_URL": None, **environment}
    env = {name: value for name, value in {**os.environ, **own}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "launcher", *words],
        cwd=REPOSITORY,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_command_gets_services_of_its_own_where_none_run(tmp_path: Path) -> None:
    result = launcher("run", sys.executable, "-c", ASK, LAB_VAR=str(tmp_path / "var"))
    assert result.returncode == 0, result.stderr
    url, var = result.stdout.split()
    assert url.startswith("postgresql://lab:")
    assert var == str(tmp_path / "var")


def test_a_command_uses_the_services_that_run(tmp_path: Path) -> None:
    with running(tmp_path / "var", durable=False) as services:
        result = launcher("run", sys.executable, "-c", ASK, LAB_VAR=str(tmp_path / "var"))
        assert result.stdout.split()[0] == services.database_url


def test_temporary_services_leave_the_data_folder_alone(tmp_path: Path) -> None:
    result = launcher("run", "--temporary", sys.executable, "-c", ASK, LAB_VAR=str(tmp_path / "v"))
    assert result.returncode == 0, result.stderr
    assert not Path(result.stdout.split()[1]).exists()
    assert list(tmp_path.iterdir()) == []


def test_the_exit_status_of_a_command_is_passed_on(tmp_path: Path) -> None:
    with running(tmp_path / "var", durable=False):
        code = "raise SystemExit(7)"
        result = launcher("run", sys.executable, "-c", code, LAB_VAR=str(tmp_path / "var"))
    assert result.returncode == 7


def test_an_unknown_program_is_one_line(tmp_path: Path) -> None:
    with running(tmp_path / "var", durable=False):
        result = launcher("run", "no-such-program", LAB_VAR=str(tmp_path / "var"))
    assert result.returncode == 2
    assert result.stderr == "There is no program no-such-program.\n"


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_bad_port_is_one_line_before_anything_is_made(tmp_path: Path, command: str) -> None:
    result = launcher(command, LAB_VAR=str(tmp_path / "var"), PORT="eighty")
    assert result.returncode == 2
    assert result.stderr.startswith("PORT=eighty is no port number")
    assert list(tmp_path.iterdir()) == []


def test_a_second_application_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path / "var", durable=False):
        result = launcher("up", LAB_VAR=str(tmp_path / "var"), PORT="18473")
    assert result.returncode == 2
    assert "already runs on" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_worker_without_an_application_says_what_to_do(tmp_path: Path) -> None:
    result = launcher("worker", LAB_VAR=str(tmp_path / "var"))
    assert result.returncode == 2
    assert "start it with `make up`" in result.stderr


def test_data_are_deleted_only_after_a_yes(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with running(var, durable=False):
        assert "already runs" in launcher("delete-data", "--yes", LAB_VAR=str(var)).stderr
    assert launcher("delete-data", LAB_VAR=str(var)).returncode == 1
    assert (var / "postgres").is_dir()
    assert launcher("delete-data", "--yes", LAB_VAR=str(var)).returncode == 0
    assert not var.exists()


def test_a_folder_that_is_not_ours_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    result = launcher("delete-data", "--yes", LAB_VAR=str(tmp_path))
    assert result.returncode == 2
    assert (tmp_path / "thesis.tex").exists()


def test_there_are_at_most_two_workers_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WORKERS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert worker_count() == 1
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert worker_count() == 2
    monkeypatch.setenv("LAB_WORKERS", "5")
    assert worker_count() == 5
    monkeypatch.setenv("LAB_WORKERS", "many")
    with pytest.raises(LauncherError, match="LAB_WORKERS=many"):
        worker_count()


def test_a_worker_takes_one_job_at_a_time_from_its_queue() -> None:
    words = " ".join(worker_argv("gpu-1", "gpu"))
    assert "--pool solo --queues gpu --hostname gpu-1@%h" in words
