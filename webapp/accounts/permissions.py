"""Who may change what: everybody signed in sees everything, owner and staff change it."""

from typing import Protocol

from django.core.exceptions import PermissionDenied

from webapp.accounts.models import User


class Owned(Protocol):
    """A row with an owner."""

    @property
    def owner_id(self) -> int:
        """Whose it is."""


def may_change(user: User, row: Owned) -> bool:
    """Whether this person may change, cancel or delete the row."""
    return user.is_active and (user.is_staff or row.owner_id == user.pk)


def require_owner(user: User, row: Owned) -> None:
    """Let the owner and staff pass.

    Raises:
        PermissionDenied: it belongs to someone else.
    """
    if not may_change(user, row):
        raise PermissionDenied(f"“{row}” belongs to someone else: ask its owner, or clone it.")


def require_staff(user: User) -> None:
    """Let staff pass.

    Raises:
        PermissionDenied: the person is not staff.
    """
    if not (user.is_active and user.is_staff):
        raise PermissionDenied("Only staff may do this.")
