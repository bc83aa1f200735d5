"""The demo account: made once, its password told once."""

import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import RequestFactory

from webapp.accounts.models import User
from webapp.accounts.services import demo_account_ensure


@pytest.mark.django_db
def test_the_password_is_told_when_the_account_is_made_and_never_again() -> None:
    user, password = demo_account_ensure()

    assert password is not None
    assert user.check_password(password)
    assert not user.is_staff
    assert demo_account_ensure() == (user, None)
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_command_prints_a_new_password_only_when_asked() -> None:
    _, first = demo_account_ensure()
    assert first is not None
    unchanged, reset = io.StringIO(), io.StringIO()

    call_command("demo_account", stdout=unchanged)
    call_command("demo_account", "--reset", stdout=reset)

    assert "unchanged" in unchanged.getvalue()
    password = reset.getvalue().rsplit("password: ", 1)[1].strip()
    request = RequestFactory().post("/")
    assert authenticate(request, username="demo", password=first) is None
    assert authenticate(request, username="demo", password=password) is not None
