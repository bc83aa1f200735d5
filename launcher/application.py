"""The web server and the workers: their command lines, and when they are ready."""

import os
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from launcher.errors import LauncherError
from launcher.processes import MARK, Child, Command
from launcher.services import Services
from launcher.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
MAX_DEFAULT_WORKERS = 2
WEB_START_TIMEOUT_S = 120.0
WORKER_GRACE_S = 30.0
"""A worker first ends its job: that may take LAB_STOP_GRACE_S (20 s)."""


class Application:
    """Offpolicy Lab on one machine, above running services."""

    def __init__(self, services: Services, supervisor: Supervisor, port: int) -> None:
        self.services = services
        self.supervisor = supervisor
        self.port = port
        self.environment = services.environment | {
            MARK: str(services.folder.var),
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Start web server and workers; return when the web server answers.

        Raises:
            LauncherError: The web server did not come up.
        """
        web = self.supervisor.start(self._command("web", self._web_argv()))
        self.supervisor.start(
            self._command("housekeeping", worker_argv("housekeeping", "housekeeping", self.beat))
        )
        for number in range(1, worker_count() + 1):
            name = f"cpu-{number}"
            labels = {"LAB_WORKER_LABELS": "cpu", "LAB_WORKER_NAME": name}
            self.supervisor.start(self._command(name, worker_argv(name, "cpu"), labels))
        self._wait_for(web)

    @property
    def beat(self) -> list[str]:
        """Options that put Celery's clock into a worker."""
        return ["-B", "--schedule", str(self.services.folder.private / "celerybeat-schedule")]

    def _command(self, name: str, argv: list[str], extra: dict[str, str] | None = None) -> Command:
        return Command(
            name=name,
            argv=argv,
            log=self.services.folder.log_path(name),
            env=one_thread() | self.environment | (extra or {}),
            grace_s=WORKER_GRACE_S,
            cwd=ROOT,
        )

    def _web_argv(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "webapp.asgi:application"),
            *("--host", HOST, "--port", str(self.port)),
            # A browser keeps its event stream open: do not wait for it when stopping.
            *("--timeout-graceful-shutdown", "2", "--no-access-log", "--lifespan", "off"),
        ]

    def _wait_for(self, web: Child) -> None:
        deadline = time.monotonic() + WEB_START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.supervisor.check()
            if answers(self.address):
                return
            time.sleep(0.1)
        raise LauncherError(
            f"The web server does not answer on {self.address}. Its last lines "
            f"({web.command.log}):\n{web.tail()}"
        )


def answers(address: str) -> bool:
    """Whether a web server gives any answer there, be it an error page."""
    try:
        with urlopen(address, timeout=10):  # noqa: S310 - our own address
            return True
    except HTTPError:
        return True
    except (URLError, TimeoutError, ConnectionError):
        return False


def worker_argv(name: str, queues: str, options: list[str] | None = None) -> list[str]:
    """Return the command line of a Celery worker with one job at a time."""
    return [
        *(sys.executable, "-m", "celery", "--app", "workers.celery", "worker"),
        *("--pool", "solo", "--queues", queues, "--hostname", f"{name}@%h"),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        *(options or []),
    ]


def worker_count() -> int:
    """Return how many CPU workers to start: LAB_WORKERS, or one per core up to two.

    Raises:
        LauncherError: LAB_WORKERS is no count.
    """
    text = os.environ.get("LAB_WORKERS")
    if text is None:
        return min(MAX_DEFAULT_WORKERS, os.cpu_count() or 1)
    if not (text.isascii() and text.isdigit() and int(text) <= 64):
        raise LauncherError(f"LAB_WORKERS={text} is no number of workers: choose 0 to 64.")
    return int(text)


def one_thread() -> dict[str, str]:
    """Return settings that keep numeric libraries to one thread, unless the user chose."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: os.environ.get(name, "1") for name in names}
