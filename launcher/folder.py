"""The folder `var/`: who may use it, its secrets, and what must be remembered between starts."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.errors import LauncherError

LOG_KEEP_BYTES = 10 * 1024 * 1024
_PORTS = range(20_000, 32_000)
"""Below what systems give to outgoing connections: one of these could take a port that was free a
moment ago (Linux: 32768 on; macOS: 49152 on)."""
_TRIES = 50


def lab_var() -> Path:
    """Return the data folder: LAB_VAR, or `var` in the current folder; always absolute."""
    return Path(os.environ.get("LAB_VAR") or "var").resolve()


class LabFolder:
    """The data folder of one installation, with the launcher's own things in `launcher/`."""

    def __init__(self, var: Path) -> None:
        """Make the folders that are missing.

        Raises:
            LauncherError: The folder cannot be made or written.
        """
        self.var = var.resolve()
        self.private = self.var / "launcher"
        self.logs = self.var / "log"
        try:
            for folder in (self.var, self.private, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            self.private.chmod(0o700)
        except OSError as error:
            raise LauncherError(
                f"Cannot write to {self.var} ({error.strerror}): give this user the folder, "
                "or name another one with LAB_VAR=/some/folder."
            ) from error

    def secret(self, name: str) -> str:
        """Return a random secret, made on first use and readable by the owner only."""
        path = self.private / name
        if path.exists() and (text := path.read_text().strip()):
            return text
        value = secrets.token_urlsafe(32)
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(value + "\n")
        temporary.replace(path)
        return value

    def remember(self, **facts: Any) -> None:
        """Add facts to what the next start can recall."""
        path = self.private / "state.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(self.recall() | facts, indent=1))
        temporary.replace(path)

    def recall(self) -> dict[str, Any]:
        """Return what was remembered; empty on first use or after a torn write."""
        try:
            facts = json.loads((self.private / "state.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def port(self, name: str) -> int:
        """Return a free loopback port, the same as last time where it is still free."""
        wanted = self.recall().get(name)
        if not (isinstance(wanted, int) and port_is_free(wanted)):
            wanted = free_port()
        self.remember(**{name: wanted})
        return wanted

    def log_path(self, name: str) -> Path:
        """Return the log file of one process; a large old one is moved aside."""
        self.logs.mkdir(exist_ok=True)
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_KEEP_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other launcher away from this folder.

        Raises:
            LauncherError: Another launcher runs on it.
        """
        with (self.private / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise LauncherError(
                    f"Offpolicy Lab already runs on {self.var} (process {file.read().strip()}): "
                    "stop that one first, or use another folder with LAB_VAR=/some/folder."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def is_in_use(self) -> bool:
        """Whether a launcher runs on this folder now."""
        try:
            with self.locked():
                return False
        except LauncherError:
            return True


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port that nothing listens on.

    Raises:
        LauncherError: many that were tried are all taken.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_PORTS)
        if port_is_free(port):
            return port
    raise LauncherError(f"No free port was found between {_PORTS.start} and {_PORTS.stop}.")
