"""A person who is signed in."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:  # pytest reads this file before the settings are there
    from webapp.accounts.models import User


@pytest.fixture
def ada(db: None, django_user_model: "type[User]") -> "User":
    return django_user_model.objects.create_user("ada", password="lovelace-1843")


@pytest.fixture
def page(client: Client, ada: "User") -> Client:
    """Return a client that is signed in as ada."""
    client.force_login(ada)
    return client
