"""Access tokens: made once, shown once, kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.api.models import Token

MARK = "lab_"
"""Tokens start so; secret scanners find them by it."""
PREFIX_LENGTH = 12
NOTE_EVERY = timedelta(minutes=1)
"""`last_used_at` is written at most so often."""


@dataclass(frozen=True)
class NewToken:
    """A token's row and the secret itself, which is never seen again."""

    token: Token
    secret: str


@transaction.atomic
def token_create(*, owner: User, name: str) -> NewToken:
    """Return a new token of this person; only its hash is stored.

    Raises:
        ValidationError: the name is empty or too long.
    """
    secret = MARK + secrets.token_urlsafe(32)
    token = Token(
        owner=owner,
        name=" ".join(name.split()),
        prefix=secret[:PREFIX_LENGTH],
        digest=_digest(secret),
    )
    token.full_clean()
    token.save()
    return NewToken(token, secret)


@transaction.atomic
def token_revoke(*, token: Token, user: User) -> None:
    """End a token; it stays listed as revoked.

    Raises:
        PermissionDenied: it belongs to someone else.
    """
    require_owner(user, token)
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def authenticate(secret: str) -> User | None:
    """Return the person that a token acts for; None for unknown, revoked or switched off."""
    token = (
        Token.objects.select_related("owner")
        .filter(digest=_digest(secret), revoked_at=None, owner__is_active=True)
        .first()
    )
    if token is None:
        return None
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTE_EVERY)
    if token.last_used_at is None or token.last_used_at < now - NOTE_EVERY:
        Token.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token.owner


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
