"""The database and the broker from wheels, as real processes."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from launcher.errors import LauncherError
from launcher.folder import LabFolder
from launcher.postgres import Postgres, binary
from launcher.services import Services, running

REPOSITORY = Path(__file__).resolve().parents[2]
POSTGRES = Path("pginstall/bin/postgres")


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def write_row(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (17)")


def read_row(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
    assert row is not None
    return int(row[0])


@dataclass
class Launcher:
    """`python -m launcher services` and what it said."""

    process: subprocess.Popen[str]
    environment: dict[str, str]


def start_launcher(var: Path, prefix: Sequence[str] = (), **environment: str) -> Launcher:
    """Start it on a folder and return when both services answer."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "launcher", "services"],
        cwd=REPOSITORY,
        env={**os.environ, "LAB_VAR": str(var), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = {}
    for line in process.stdout:
        name, _, value = line.strip().removeprefix("export ").partition("=")
        said[name] = value
        if name == "LAB_VAR":
            return Launcher(process, said)
    process.wait()
    pytest.fail(f"the launcher ended: {said}")


@pytest.fixture
def launcher(var: Path) -> Iterator[Launcher]:
    """A launcher of its own process, ready."""
    started = start_launcher(var)
    yield started
    started.process.kill()
    started.process.wait()


def server_processes(var: Path) -> list[psutil.Process]:
    """Return servers that work on a folder: PostgreSQL by its data, the broker by its file."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        ours = f"{var}/postgres" in command or f"{var}/broker" in command
        if ours and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_until_gone(var: Path, timeout_s: float = 20) -> list[psutil.Process]:
    deadline = time.monotonic() + timeout_s
    while (left := server_processes(var)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_both_services_answer_with_their_passwords(services: Services) -> None:
    with psycopg.connect(services.database_url) as connection:
        assert connection.info.server_version >= 180000
    assert redis.Redis.from_url(services.broker_url).ping()


def test_without_the_password_both_refuse(services: Services) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=services.postgres.port, user="lab", password="no")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=services.broker.port).ping()


def test_the_application_is_no_superuser_of_the_database(services: Services) -> None:
    with (
        psycopg.connect(services.database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT pg_read_file('/etc/passwd')")


def test_a_second_start_finds_the_data_and_keeps_the_addresses(var: Path) -> None:
    with running(var) as services:
        write_row(services.database_url)
        addresses = services.database_url, services.broker_url
    assert server_processes(var) == []
    with running(var) as services:
        assert read_row(services.database_url) == 17
        assert (services.database_url, services.broker_url) == addresses


def test_secrets_are_readable_by_the_owner_only(var: Path) -> None:
    with running(var, durable=False):
        secrets = [*(var / "launcher").glob("*password"), var / "broker" / "valkey.conf"]
        assert len(secrets) == 4
        assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_passwords_are_not_on_any_command_line(var: Path) -> None:
    with running(var, durable=False) as services:
        words = " ".join(" ".join(process.cmdline()) for process in server_processes(var))
        assert services.folder.secret("broker-password") not in words
        assert services.folder.secret("postgres-admin-password") not in words


def test_a_second_launcher_on_the_same_folder_is_refused_in_one_line(var: Path) -> None:
    with (
        running(var, durable=False),
        pytest.raises(
            LauncherError, match=rf"already runs on .* \(process {os.getpid()}\)"
        ) as raised,
        running(var),
    ):
        pass
    assert "\n" not in str(raised.value)


def test_restarting_the_database_keeps_rows_and_address(var: Path) -> None:
    with running(var, durable=False) as services:
        write_row(services.database_url)
        address = services.database_url
        services.restart_postgres()
        assert services.database_url == address
        assert read_row(services.database_url) == 17


def test_restarting_the_broker_empties_it_unless_told_otherwise(var: Path) -> None:
    with running(var, durable=False) as services:
        client = redis.Redis.from_url(services.broker_url)
        client.set("message", "look at job 17")
        services.restart_broker(empty=False)
        assert client.get("message") == b"look at job 17"
        services.restart_broker()
        assert client.get("message") is None


def test_everything_killed_at_once_starts_again_with_its_data(
    var: Path, launcher: Launcher
) -> None:
    write_row(launcher.environment["DATABASE_URL"])
    launcher.process.send_signal(signal.SIGSTOP)
    victims = server_processes(var)
    assert len(victims) == 2
    for process in [*victims, launcher.process]:
        process.kill()
    launcher.process.wait()
    with running(var) as services:
        assert read_row(services.database_url) == 17


def test_servers_end_when_only_the_launcher_is_killed(var: Path, launcher: Launcher) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed; the next start ends the servers")
    assert server_processes(var)
    launcher.process.kill()
    launcher.process.wait()
    assert wait_until_gone(var) == []


def test_a_start_ends_servers_that_were_left_behind(var: Path) -> None:
    with running(var, durable=False) as services:
        write_row(services.database_url)
        pid_file = var / "postgres" / "postmaster.pid"
        old = int(pid_file.read_text().split()[0])
        left_behind = Postgres(LabFolder(var), durable=False)
        left_behind.start()
        assert not psutil.pid_exists(old) or psutil.Process(old).status() == psutil.STATUS_ZOMBIE
        assert read_row(left_behind.url) == 17
        left_behind.stop()


def test_a_process_id_of_a_stranger_in_a_stale_file_is_left_alone(var: Path) -> None:
    with running(var, durable=False):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (var / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{var}/postgres\n")
        (var / "broker" / "valkey.pid").write_text(f"{stranger.pid}\n")
        with running(var, durable=False):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_leaves_no_server(
    var: Path, launcher: Launcher, stop: signal.Signals
) -> None:
    launcher.process.send_signal(stop)
    assert launcher.process.wait(30) == 0
    assert server_processes(var) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the whole suite already runs as an ordinary user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to change the user")
def test_an_ordinary_user_needs_no_root() -> None:
    folder = Path(tempfile.mkdtemp(prefix="offpolicy-lab-nobody-"))
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    # The interpreter of this test may lie in root's home: the right to pass through is kept.
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    prefix += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    started = start_launcher(folder / "var", prefix)
    try:
        write_row(started.environment["DATABASE_URL"])
        owners = {process.username() for process in server_processes(folder / "var")}
        assert owners == {"nobody"}
    finally:
        started.process.terminate()
        assert started.process.wait(30) == 0
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's programs run as that user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to change the user")
def test_root_may_keep_everything_in_a_home_closed_to_others(tmp_path: Path) -> None:
    wheel = Path(binary("postgres")).parents[2]
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if part.exists():
            shutil.copytree(part, home / part.name)
    started = start_launcher(home / "var", PYTHONPATH=str(home))
    try:
        write_row(started.environment["DATABASE_URL"])
        servers = [p for p in server_processes(home / "var") if p.name() == "postgres"]
        assert {process.username() for process in servers} == {"nobody"}
        assert {process.exe() for process in servers} == {str(home / wheel.name / POSTGRES)}
    finally:
        started.process.terminate()
        assert started.process.wait(30) == 0


def test_an_interrupted_first_start_is_made_again(var: Path) -> None:
    half_made = var / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with running(var, durable=False) as services:
        write_row(services.database_url)


def test_data_of_another_version_are_refused_and_left_alone(var: Path) -> None:
    with running(var, durable=False):
        pass
    (var / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(LauncherError, match="made by PostgreSQL 17"), running(var):
        pass
    assert (var / "postgres" / "global").is_dir()


def test_damaged_data_end_in_the_servers_own_words(var: Path) -> None:
    with running(var, durable=False):
        pass
    (var / "postgres" / "global" / "pg_control").unlink()
    with (
        pytest.raises(LauncherError, match=r"(?s)postgres did not start.*pg_control"),
        running(var),
    ):
        pass
    assert server_processes(var) == []
