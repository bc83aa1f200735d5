"""The real application on a database of its own: a uvicorn server and, when asked, workers."""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from launcher.application import answers, worker_argv
from launcher.folder import free_port
from launcher.processes import Child, Command
from launcher.services import Services

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120.0


class Site:
    """A running web server, its database, broker and data folder."""

    def __init__(self, environment: Mapping[str, str], folder: Path, port: int) -> None:
        self.environment = dict(environment)
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.user = "demo"
        self.password = ""
        self._children: list[Child] = []

    def start(self) -> None:
        """Migrate, make the demo account, and start the web server.

        Raises:
            AssertionError: the server does not answer; its last lines are told.
        """
        self.manage("migrate", "--verbosity", "0", "--skip-checks")
        told = self.manage("demo_account", "--skip-checks")
        self.password = re.search(r"password: (\S+)", told)[1]  # type: ignore[index]
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--lifespan", "off"]
        options += ["--timeout-graceful-shutdown", "1", "--no-access-log"]
        web = self._run(
            "web", [sys.executable, "-m", "uvicorn", "webapp.asgi:application", *options]
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(f"{self.url}/accounts/login/"):
            assert web.is_running, web.tail(30)
            assert time.monotonic() < deadline, web.tail(30)
            time.sleep(0.2)

    def start_workers(self, count: int = 1) -> None:
        """Start workers for cpu jobs and one for housekeeping, once."""
        if len(self._children) > 1:
            return
        clock = ["-B", "--schedule", str(self.folder / "beat")]
        self._run("housekeeping", worker_argv("housekeeping", "housekeeping", clock))
        for number in range(count):
            name = f"browser-cpu-{number}"
            labels = {"LAB_WORKER_LABELS": "cpu", "LAB_WORKER_NAME": name}
            self._run(name, worker_argv(name, "cpu"), labels)

    def manage(self, *arguments: str) -> str:
        """Run a management command on the site's database and return what it said.

        Raises:
            AssertionError: it failed; its errors are told.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def log(self) -> str:
        """Return the last lines of the web server."""
        return self._children[0].tail(50)

    def stop(self) -> None:
        """End everything that was started."""
        for child in reversed(self._children):
            child.stop()

    def _run(self, name: str, argv: list[str], extra: Mapping[str, str] | None = None) -> Child:
        child = Child(
            Command(
                name=name,
                argv=argv,
                log=self.folder / f"{name}.log",
                env=self.environment | dict(extra or {}),
                cwd=ROOT,
            )
        )
        child.start()
        self._children.append(child)
        return child


def make_site(
    services: Services,
    folder: Path,
    name: str,
    *,
    broker: int,
    extra: Mapping[str, str] | None = None,
) -> Site:
    """Return a site, not started yet, on an empty database and a broker database of its own."""
    environment = services.environment | {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "DATABASE_URL": make_database(services.database_url, name),
        "CELERY_BROKER_URL": f"{services.broker_url.removesuffix('/0')}/{broker}",
        "LAB_VAR": str(folder / "var"),
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return Site(environment | dict(extra or {}), folder, free_port())


def make_database(url: str, name: str) -> str:
    """Make an empty database beside another one and return its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(url)._replace(path=f"/{name}").geturl()
