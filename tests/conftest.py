"""PostgreSQL and the broker of the test run: real ones, in a temporary folder, gone at the end."""

import os
import shutil
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import django
import hypothesis
import pytest

from launcher.services import Services, running

SERVICES = pytest.StashKey[Services]()

LONG = ("browser", "plugins", "faults", "launcher")
"""Folders whose tests start whole applications: first, so that no process is left with one."""

# The same examples in every run: a red suite tells of the change, not of the draw.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start both before pytest-django reads the settings, which name them.

    Each process that runs tests has its own. The one that only deals tests out to others starts
    nothing, and leaves its environment clean: pytest-django would have theirs read it at once.
    """
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    signal.signal(signal.SIGTERM, _interrupt)
    root = Path(tempfile.mkdtemp(prefix="offpolicy-lab-tests-"))
    stack = ExitStack()
    config.add_cleanup(stack.close)
    stack.callback(shutil.rmtree, root, ignore_errors=True)
    services = stack.enter_context(running(root / "var", durable=False))
    config.stash[SERVICES] = services
    os.environ |= services.environment
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; files stay together, and in their order otherwise."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in LONG)


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Services:
    """Return the running services; `restart_postgres()` and `restart_broker()` break them."""
    return pytestconfig.stash[SERVICES]
