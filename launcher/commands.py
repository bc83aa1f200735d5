"""What each command of the launcher does."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import django

from launcher.application import ROOT, Application, one_thread, worker_argv
from launcher.checks import preflight, wanted_port
from launcher.errors import LauncherError
from launcher.folder import LabFolder, lab_var
from launcher.processes import sweep
from launcher.progress import Terminal
from launcher.services import Services, running
from launcher.supervisor import Supervisor

WATCH_S = 0.5
DEMOS = ("tiny", "smollm2", "smollm2-full")
"""Demo experiments of `webapp.experiments.demo`, which only a set-up Django can be asked for."""
INTERRUPTED = 130
"""Exit status of what Ctrl-C kept from its end, as shells have it."""


def demo(name: str, *, stop_when_done: bool) -> int:
    """Run everything with a demo experiment (one of DEMOS) until Ctrl-C, or until it is over.

    Returns:
        1 where it was to stop when done, and the experiment did not succeed.
    """
    terminal = Terminal()
    with suppress(KeyboardInterrupt), application(terminal) as app:
        # Its models need Django, and Django the database.
        from launcher.demo import watch_demo  # noqa: PLC0415

        succeeded = watch_demo(app, terminal, name)
        if stop_when_done:
            return 0 if succeeded else 1
        terminal.say(f"Still serving on {app.address}. Ctrl-C stops everything; data stay.")
        serve(app)
    return INTERRUPTED if stop_when_done else 0


def up() -> int:
    """Run everything until Ctrl-C."""
    terminal = Terminal()
    with suppress(KeyboardInterrupt), application(terminal) as app:
        terminal.say("Ctrl-C stops everything; data stay.")
        serve(app)
    return 0


def serve(app: Application) -> NoReturn:
    """Keep everything alive until Ctrl-C."""
    while True:
        app.supervisor.check()
        time.sleep(WATCH_S)


@contextmanager
def application(terminal: Terminal) -> Iterator[Application]:
    """Give the running application, and stop everything at the end.

    Raises:
        LauncherError: Something is in the way, or did not start.
    """
    port = wanted_port()
    folder = LabFolder(lab_var())
    with folder.locked():
        preflight(folder.var, port)
        sweep(folder.var)
        services = Services(folder)
        supervisor = Supervisor(folder.var, terminal.say)
        try:
            with terminal.phase("database and broker"):
                services.start()
            supervisor.need(services.children)
            app = Application(services, supervisor, port)
            with terminal.phase("tables"):
                os.environ |= app.environment
                logging.disable(logging.INFO)
                django.setup()
                # Its models need Django, and Django the database.
                from launcher import lab  # noqa: PLC0415

                account = lab.prepare()
            with terminal.phase("web server"):
                app.start()
            terminal.welcome(app.address, account.username, account.password)
            yield app
        finally:
            ignore_interrupts()
            terminal.say("Stopping.")
            supervisor.stop()
            services.stop()


def ignore_interrupts() -> None:
    """Let nothing cut the stopping short: it ends by itself in a bounded time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def services() -> int:
    """Run database and broker until Ctrl-C; print what a shell needs to use them."""
    with suppress(KeyboardInterrupt), running(lab_var()) as started, ExitStack() as stack:
        stack.callback(ignore_interrupts)
        for name, value in started.environment.items():
            print(f"export {name}={value}", flush=True)
        signal.pause()
    return 0


def worker() -> int:
    """Become one more worker of the application that runs on the data folder."""
    labels = os.environ.get("LAB_WORKER_LABELS") or "cpu"
    name = os.environ.get("LAB_WORKER_NAME") or f"{labels.replace(',', '-')}-{os.getpid()}"
    environment = own_services()
    if environment is None:
        raise LauncherError(
            f"Offpolicy Lab does not run on {lab_var()}: start it with `make up`, or name a "
            "server's DATABASE_URL and CELERY_BROKER_URL."
        )
    environment |= {"LAB_WORKER_LABELS": labels, "LAB_WORKER_NAME": name}
    os.chdir(ROOT)
    os.execvpe(  # noqa: S606 - this process is to be the worker, with its signals
        sys.executable, worker_argv(name, labels), {**os.environ, **one_thread(), **environment}
    )


def run(argv: Sequence[str], *, temporary: bool) -> int:
    """Run one command that sees database and broker, started for it where none run."""
    if not argv:
        raise LauncherError('Name a command: python -m launcher run manage.py shell (or "pytest").')
    command = [sys.executable, *argv] if argv[0].endswith(".py") else list(argv)
    if temporary:
        with tempfile.TemporaryDirectory(prefix="offpolicy-lab-") as folder:
            return call_with_services(command, Path(folder) / "var", durable=False)
    environment = own_services()
    if environment is None:
        return call_with_services(command, lab_var(), durable=True)
    return call(command, environment)


def call_with_services(command: Sequence[str], var: Path, *, durable: bool) -> int:
    """Run a command on services of its own; return its exit status."""
    with running(var, durable=durable) as started:
        return call(command, started.environment)


def call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; return its exit status."""
    try:
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    except FileNotFoundError:
        raise LauncherError(f"There is no program {command[0]}.") from None


def own_services() -> dict[str, str] | None:
    """Return what the settings read: a server's addresses, or those of the launcher that runs.

    None where neither is there.
    """
    if "DATABASE_URL" in os.environ and "CELERY_BROKER_URL" in os.environ:
        return {}
    folder = LabFolder(lab_var())
    if not folder.is_in_use():
        return None
    return Services.remembered(folder).environment


def delete_data(*, ask: bool) -> int:
    """Delete the data folder, after a typed yes."""
    var = lab_var()
    if not var.exists():
        print(f"There is no {var}.")
        return 0
    if not (var / "launcher").is_dir():
        raise LauncherError(
            f"{var} was not made by Offpolicy Lab: delete it yourself if you mean it."
        )
    if ask:
        print(f"This deletes {var} with every dataset, experiment and account. Type yes: ", end="")
        if sys.stdin.readline().strip() != "yes":
            print("Nothing was deleted.")
            return 1
    with LabFolder(var).locked():
        shutil.rmtree(var)
    return 0
