"""A signed-in browser, and a folder of the test's own for artifacts and checkpoints."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client


@pytest.fixture
def var(settings: LazySettings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def browser(client: Client, db: None, var: Path, django_user_model: Any) -> Client:
    client.force_login(django_user_model.objects.create_user(username="ada"))
    return client
