"""What must be right before anything is started; each fault is one line."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from launcher.errors import LauncherError
from launcher.folder import LabFolder, port_is_free

DISK_NEEDED = 1_000_000_000
"""Bytes: a new database, the demo's artifacts and some room."""
DEFAULT_PORT = 8000


def preflight(var: Path, port: int) -> LabFolder:
    """Return the data folder, writable and with room, once the port is known to be free.

    Raises:
        LauncherError: With the first thing that is not right.
    """
    check_port(port)
    folder = LabFolder(var)
    check_writable(folder.var)
    check_disk(folder.var)
    return folder


def wanted_port() -> int:
    """Return the web server's port: PORT, or 8000.

    Raises:
        LauncherError: PORT is no port number.
    """
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise LauncherError(f"PORT={text} is no port number: choose one from 1024 to 65535.")
    return int(text)


def check_port(port: int) -> None:
    """Make sure that the web server can listen.

    Raises:
        LauncherError: Somebody else does; named where the system tells.
    """
    if port_is_free(port):
        return
    raise LauncherError(
        f"Port {port} is taken by {listener(port)}: stop that, "
        f"or choose another port with PORT={port + 1 if port < 65535 else DEFAULT_PORT}."
    )


def listener(port: int) -> str:
    """Say which process listens on a port, as far as this user may know."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:60]})"
    return "another process"


def check_writable(folder: Path) -> None:
    """Make sure that this user may write there: a folder of root's may be left from another day.

    Raises:
        LauncherError: It is not writable.
    """
    owned_by_others = [
        path
        for path in (folder, folder / "launcher", folder / "log")
        if path.exists() and not os.access(path, os.W_OK | os.X_OK)
    ]
    if owned_by_others:
        raise LauncherError(
            f"Cannot write to {owned_by_others[0]}: it belongs to another user. "
            "Start as that user, or use another folder with LAB_VAR=/some/folder."
        )


def check_disk(folder: Path, needed: int = DISK_NEEDED) -> None:
    """Make sure that the disk has room.

    Raises:
        LauncherError: It has not; says how much there is and is needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LauncherError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are "
            "needed: make room, or use a folder on another disk with LAB_VAR=/some/folder."
        )
