"""A signed-in browser and a store of the test's own."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_store(settings: Settings, tmp_path: Path) -> None:
    """Artifacts of a test go to its own folder."""
    settings.VAR = tmp_path


@pytest.fixture
def ada(client: Client, db: None, django_user_model: Any) -> Client:
    """Return a client that is signed in."""
    client.force_login(django_user_model.objects.create_user(username="ada"))
    return client
