"""Fixtures of tests that break real processes."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from pytest_django.fixtures import Settings

from launcher.services import Services

if TYPE_CHECKING:
    from tests.faults.lab import Lab

PLUGINS = Path(__file__).resolve().parent / "plugins"


@pytest.fixture
def lab(transactional_db: None, services: Services, settings: Settings) -> "Iterator[Lab]":
    """A laboratory on an empty database and an empty broker; at the end nothing may be left."""
    # Named on the command line, this file is loaded before Django is set up.
    from tests.faults.lab import FAST, Lab, ours

    redis.Redis.from_url(services.broker_url).flushall()
    settings.LAB_LEASE_S = int(FAST["LAB_LEASE_S"])
    shutil.rmtree(settings.VAR / "log", ignore_errors=True)
    started = Lab({"LAB_ALGORITHM_PLUGINS": str(PLUGINS)})
    yield started
    started.close()
    deadline = time.monotonic() + 5
    while ours() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours() == {}


@pytest.fixture(scope="session")
def input_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the inputs of all trainings are computed once."""
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture
def ready_lab(lab: "Lab", input_folder: Path) -> "Lab":
    """A laboratory in which trainings have their inputs."""
    from tests.faults.patients import give_inputs

    give_inputs(input_folder)
    return lab
