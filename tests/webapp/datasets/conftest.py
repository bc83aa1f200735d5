"""A person, a signed-in browser, and a store of the test's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

if TYPE_CHECKING:  # pytest reads this file before the settings are there
    from webapp.accounts.models import User


@pytest.fixture(autouse=True)
def own_var(settings: Settings, tmp_path: Path) -> Path:
    """Uploads and artifacts of a test go to its own folder."""
    settings.VAR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture
def ada(db: None, django_user_model: "type[User]") -> "User":
    return django_user_model.objects.create_user("ada", password="lovelace-1843")


@pytest.fixture
def browser(client: Client, ada: "User") -> Client:
    """Return a client that is signed in as ada."""
    client.force_login(ada)
    return client
