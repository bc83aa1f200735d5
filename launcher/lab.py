"""What the launcher asks the application; import it once Django is set up."""

from dataclasses import dataclass

from django.core.management import call_command
from webapp.accounts.services import demo_account_ensure


@dataclass(frozen=True)
class Account:
    """The account that a person first signs in with."""

    username: str
    password: str | None
    """None where it was shown at an earlier start."""


def prepare() -> Account:
    """Bring the tables up to date and return the first account, made where missing."""
    call_command("migrate", interactive=False, verbosity=0)
    user, password = demo_account_ensure()
    return Account(user.get_username(), password)
