"""`launcher/install.sh`: how .venv is made, reused and repaired, here with empty requirements."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "launcher" / "install.sh"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    (tmp_path / "requirements-dev.txt").write_text("# nothing more\n")
    (tmp_path / "requirements.lock").write_text("")
    return tmp_path


def install(clone: Path, *files: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), *(files or ["requirements.txt"])],
        cwd=clone,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_run_does_nothing_and_says_nothing(clone: Path) -> None:
    first = install(clone)
    assert first.returncode == 0, first.stderr
    assert "Installed in" in first.stderr
    second = install(clone)
    assert (second.returncode, second.stderr) == (0, "")


def test_changed_requirements_are_installed_into_the_same_environment(clone: Path) -> None:
    install(clone)
    (clone / ".venv" / "kept").touch()
    (clone / "requirements.txt").write_text("# still nothing\n")
    assert "Installing requirements.txt" in install(clone).stderr
    assert "Installing" in install(clone, "requirements.txt", "requirements-dev.txt").stderr
    assert install(clone).stderr == ""
    assert (clone / ".venv" / "kept").exists()


def test_an_install_that_was_cut_short_begins_again_from_nothing(clone: Path) -> None:
    install(clone)
    (clone / ".venv" / "half-a-package").touch()
    (clone / ".venv" / ".unfinished").touch()
    assert install(clone).returncode == 0
    assert not (clone / ".venv" / "half-a-package").exists()
    assert install(clone).stderr == ""


def test_an_environment_whose_python_is_gone_is_made_again(clone: Path) -> None:
    install(clone)
    python = clone / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert install(clone).returncode == 0
    assert subprocess.run([python, "--version"], check=False).returncode == 0


def test_a_package_that_cannot_be_had_fails_and_the_next_run_tries_again(clone: Path) -> None:
    (clone / "requirements.txt").write_text("./missing-package\n")
    failed = install(clone)
    assert failed.returncode == 1
    assert "pip could not install requirements.txt" in failed.stderr
    (clone / "requirements.txt").write_text("# repaired\n")
    assert "Installed in" in install(clone).stderr


def test_an_old_python_is_one_clear_line(clone: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n')
    old.chmod(0o755)
    result = install(clone, PYTHON=str(old))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed, and this machine offers Python 3.9.2" in result.stderr
    assert not (clone / ".venv").exists()


def test_too_little_disk_is_one_clear_line_before_anything_is_made(
    clone: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    df = tools / "df"
    df.write_text("#!/bin/sh\necho Filesystem; echo disk 100000 90000 10000 90% /\n")
    df.chmod(0o755)
    result = install(clone, PATH=f"{tools}:{os.environ['PATH']}")
    assert result.returncode == 1
    assert "Installing needs 3 GB of disk" in result.stderr
    assert "10 MB free" in result.stderr
    assert not (clone / ".venv").exists()
