"""`manage.py demo_account`: make the demo account, or give it a new password."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from webapp.accounts.services import demo_account_ensure, demo_password_reset


class Command(BaseCommand):
    """Make the demo account and print its password once."""

    help = "Make the demo account; with --reset, give it a new password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --reset."""
        parser.add_argument("--reset", action="store_true", help="replace a forgotten password")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the name and, where there is a new one, the password."""
        user, password = demo_account_ensure()
        if password is None and options["reset"]:
            password = demo_password_reset(user)
        shown = password or "(unchanged; --reset makes a new one)"
        self.stdout.write(f"user name: {user.username}\npassword: {shown}")
