"""The small study in a folder of its own, a signed-in browser, a store of the test's own."""

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
def file(settings: Settings, tmp_path: Path) -> Any:
    """Return the small study."""
    from tests.webapp.studies.small import small, write_small

    settings.STUDIES_DIR = tmp_path / "studies"
    write_small(tmp_path / "studies")
    return small()


@pytest.fixture
def ada(db: None, django_user_model: Any) -> Any:
    """Return a person."""
    return django_user_model.objects.create_user(username="ada")


@pytest.fixture
def browser(client: Client, ada: Any) -> Client:
    """Return a client that is signed in."""
    client.force_login(ada)
    return client
