"""A person who is signed in, and small artifacts of the control laboratory."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

if TYPE_CHECKING:  # pytest reads this file before the settings are there
    from tests.webapp.labs.control_made import Made
    from webapp.accounts.models import User
    from webapp.jobs.models import Job


@pytest.fixture
def ada(db: None, django_user_model: "type[User]") -> "User":
    return django_user_model.objects.create_user("ada", password="lovelace-1843")


@pytest.fixture
def page(client: Client, ada: "User") -> Client:
    """Return a client that is signed in as ada."""
    client.force_login(ada)
    return client


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> "Mapping[str, Made]":
    """Return jobs that were run, by name."""
    from tests.webapp.labs.control_made import make_world

    return make_world(tmp_path_factory.mktemp("control"))


@pytest.fixture
def jobs(
    made: "Mapping[str, Made]", db: None, settings: Settings, tmp_path: Path
) -> "dict[str, Job]":
    """Return rows of them, with artifacts in a store of the test's own."""
    from tests.webapp.labs.control_made import store

    settings.VAR = tmp_path
    return store(made)
