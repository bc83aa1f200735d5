"""PostgreSQL and broker together: what the application, its workers and the tests stand on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.broker import Broker
from launcher.folder import LabFolder
from launcher.postgres import Postgres
from launcher.processes import Child


class Services:
    """The running database and broker of one data folder."""

    def __init__(self, folder: LabFolder, *, durable: bool = True) -> None:
        self.folder = folder
        self.postgres = Postgres(folder, durable=durable)
        self.broker = Broker(folder)

    @classmethod
    def remembered(cls, folder: LabFolder) -> "Services":
        """Return the services that another launcher runs on this folder: addresses only."""
        services = cls(folder)
        facts = folder.recall()
        services.postgres.port, services.broker.port = facts["postgres_port"], facts["broker_port"]
        return services

    @property
    def database_url(self) -> str:
        """Value of DATABASE_URL."""
        return self.postgres.url

    @property
    def broker_url(self) -> str:
        """Value of CELERY_BROKER_URL."""
        return self.broker.url

    @property
    def environment(self) -> dict[str, str]:
        """Return what the settings read, for a process that uses these services."""
        return {
            "DATABASE_URL": self.database_url,
            "CELERY_BROKER_URL": self.broker_url,
            "SECRET_KEY": self.folder.secret("secret-key"),
            "LAB_VAR": str(self.folder.var),
        }

    @property
    def children(self) -> list[Child]:
        """Return the two server processes, those that were started."""
        return [child for child in (self.postgres.child, self.broker.child) if child]

    def start(self) -> None:
        """Start both; return when both answer.

        Raises:
            LauncherError: One of them did not start; then neither runs.
        """
        try:
            self.postgres.start()
            self.broker.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both."""
        self.broker.stop()
        self.postgres.stop()

    def restart_postgres(self) -> None:
        """Restart the database on the same port; every connection breaks."""
        self.postgres.restart()

    def restart_broker(self, *, empty: bool = True) -> None:
        """Restart the broker on the same port; by default everything queued in it is lost."""
        self.broker.restart(empty=empty)


@contextmanager
def running(var: Path, *, durable: bool = True) -> Iterator[Services]:
    """Give the running services of a data folder, and stop them at the end.

    Args:
        var: Data folder, made where missing.
        durable: False trades safety against a crash of the machine for speed (tests).

    Raises:
        LauncherError: Another launcher runs there, or a service did not start.
    """
    folder = LabFolder(var)
    with folder.locked():
        services = Services(folder, durable=durable)
        services.start()
        try:
            yield services
        finally:
            services.stop()
