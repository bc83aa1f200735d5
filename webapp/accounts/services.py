"""Writing accounts."""

import secrets

from django.db import transaction

from webapp.accounts.models import User

DEMO_USERNAME = "demo"
PASSWORD_BYTES = 12


@transaction.atomic
def demo_account_ensure() -> tuple[User, str | None]:
    """Return the demo account and, only when it was made just now, its generated password."""
    user, created = User.objects.get_or_create(username=DEMO_USERNAME)
    if not created:
        return user, None
    return user, demo_password_reset(user)


def demo_password_reset(user: User) -> str:
    """Give the account a new generated password and return it; it is stored as a hash only."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
