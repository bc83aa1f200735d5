"""A person with a dataset and a policy, and the browser that shows their pages."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from tests.webapp.experiments.factories import Bench


@pytest.fixture
def bench(db: None) -> "Bench":
    """Return a person with a dataset and a policy."""
    # Named on the command line, this file is loaded before Django is set up.
    from tests.webapp.experiments.factories import Bench

    return Bench()


@pytest.fixture
def page(client: Client, bench: "Bench") -> Client:
    """Return the person's browser."""
    client.force_login(bench.user)
    return client
