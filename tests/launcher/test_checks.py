"""What the launcher says before it starts anything."""

import os
import socket
import stat
from pathlib import Path

import pytest

from launcher.checks import check_disk, check_port, check_writable, preflight, wanted_port
from launcher.errors import LauncherError
from launcher.folder import LabFolder, free_port


def test_a_taken_port_names_the_process_and_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LauncherError) as raised:
            check_port(port)
    said = str(raised.value)
    assert f"Port {port} is taken by process {os.getpid()} (" in said
    assert f"PORT={port + 1}" in said
    assert "\n" not in said


def test_nothing_is_made_where_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(LauncherError):
        preflight(tmp_path / "var", server.getsockname()[1])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_how_much_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=r"has [\d.]+ GB free and 1000000000.0 GB are needed"):
        check_disk(tmp_path, needed=10**18)


def test_a_folder_that_cannot_be_made_is_one_line() -> None:
    with pytest.raises(LauncherError, match=r"Cannot write to /proc/lab .*LAB_VAR=/some/folder"):
        LabFolder(Path("/proc/lab"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(LauncherError, match="belongs to another user"):
        check_writable(tmp_path)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 00", "８０００"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(LauncherError, match="is no port number"):
        wanted_port()


def test_the_port_is_8000_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert wanted_port() == 8000
    monkeypatch.setenv("PORT", "8123")
    assert wanted_port() == 8123


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path)
    port = free_port()
    folder.remember(postgres_port=port)
    assert folder.port("postgres_port") == port
    with socket.create_server(("127.0.0.1", port)):
        other = folder.port("postgres_port")
    assert other != port
    assert folder.recall()["postgres_port"] == other


def test_a_torn_state_file_counts_as_none(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path)
    (folder.private / "state.json").write_text('{"postgres_port": 54')
    assert folder.recall() == {}


def test_a_secret_stays_the_same_and_an_empty_one_is_made_again(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path)
    first = folder.secret("secret-key")
    assert len(first) >= 40
    assert folder.secret("secret-key") == first
    (folder.private / "secret-key").write_text("")
    assert folder.secret("secret-key") not in {"", first}
