"""The account's page: tokens are made, shown once, and revoked."""

import pytest
from django.test import Client
from django.urls import reverse

from webapp.accounts.models import User
from webapp.api.models import Token
from webapp.api.services import authenticate


@pytest.fixture
def ada(client: Client, db: None) -> User:
    ada = User.objects.create_user("ada")
    client.force_login(ada)
    return ada


def test_a_token_is_shown_once_and_works(client: Client, ada: User) -> None:
    page = client.post(reverse("tokens:create"), {"name": "night runs"})

    secret = page.context["made"].secret
    assert secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert authenticate(secret) == ada
    again = client.get(reverse("accounts:profile")).content.decode()
    assert "night runs" in again
    assert secret not in again


def test_a_token_without_a_name_is_refused_at_its_field(client: Client, ada: User) -> None:
    page = client.post(reverse("tokens:create"), {"name": "  "})

    assert page.status_code == 422
    assert b'id="token-name-error"' in page.content
    assert not Token.objects.exists()


def test_a_revoked_token_no_longer_works(client: Client, ada: User) -> None:
    made = client.post(reverse("tokens:create"), {"name": "old laptop"}).context["made"]

    page = client.post(reverse("tokens:revoke", args=[made.token.pk]), follow=True)

    assert b"no longer works" in page.content
    assert b"Revoked" in page.content
    assert authenticate(made.secret) is None


def test_nobody_revokes_the_token_of_another_person(client: Client, ada: User) -> None:
    made = client.post(reverse("tokens:create"), {"name": "mine"}).context["made"]
    client.force_login(User.objects.create_superuser("eve"))

    assert client.post(reverse("tokens:revoke", args=[made.token.pk])).status_code == 404
    assert authenticate(made.secret) == ada
