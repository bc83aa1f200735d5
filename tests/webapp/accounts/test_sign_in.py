"""Signing in, being locked out, signing out, changing the password."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from webapp.accounts.models import User

PASSWORD = "lovelace-1843"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def sign_in(client: Client, password: str, to: str = "/styleguide/") -> int:
    data = {"username": "ada", "password": password, "next": to}
    return client.post(reverse("accounts:login"), data).status_code


def test_the_right_password_opens_the_page_that_was_asked_for(client: Client, ada: User) -> None:
    asked = client.get("/styleguide/")
    assert asked.status_code == 302
    assert asked["Location"] == f"{reverse('accounts:login')}?next=/styleguide/"

    assert sign_in(client, PASSWORD) == 302
    assert client.get("/styleguide/").status_code == 200


def test_a_sign_in_never_leads_to_another_site(client: Client, ada: User) -> None:
    data = {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"}

    assert client.post(reverse("accounts:login"), data)["Location"] == reverse("experiments:list")


def test_a_wrong_password_is_told_in_words_and_keeps_the_name(client: Client, ada: User) -> None:
    page = client.post(reverse("accounts:login"), {"username": "ada", "password": "x"})

    assert page.status_code == 200
    assert b"do not belong together" in page.content
    assert b'value="ada"' in page.content


def test_guessing_locks_with_a_page_in_words(client: Client, ada: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(2):
        assert sign_in(client, "wrong") == 200

    page = client.post(reverse("accounts:login"), {"username": "ada", "password": "wrong"})
    assert page.status_code == 429
    assert b"Locked for a while" in page.content
    assert b"next 15 min" in page.content
    assert sign_in(client, PASSWORD) == 429


def test_signing_out_needs_a_post(client: Client, ada: User) -> None:
    client.force_login(ada)

    assert client.get(reverse("accounts:logout")).status_code == 405
    assert client.post(reverse("accounts:logout")).status_code == 302
    assert client.get("/styleguide/").status_code == 302


def test_the_password_is_changed_when_the_old_one_is_right(client: Client, ada: User) -> None:
    client.force_login(ada)
    new = {"new_password1": "difference-engine", "new_password2": "difference-engine"}
    address = reverse("accounts:password_change")

    refused = client.post(address, {"old_password": "wrong", **new})
    assert b"old password was entered incorrectly" in refused.content
    assert client.post(address, {"old_password": PASSWORD, **new}).status_code == 302

    ada.refresh_from_db()
    assert ada.check_password("difference-engine")


def test_pages_without_a_script_of_another_origin(client: Client, ada: User) -> None:
    policy = client.get(reverse("accounts:login"))["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    script = next(part for part in policy.split(";") if "script-src" in part)
    assert "unsafe-inline" not in script
