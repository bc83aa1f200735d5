"""Who calls, and their tokens."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from webapp.api import services
from webapp.api.auth import caller
from webapp.api.models import Token
from webapp.api.schemas.common import NewTokenOut, Person, TokenOut, token_out

router = Router(tags=["account"])


class TokenIn(Schema):
    """A token to make."""

    name: str
    """What it is for."""


@router.get("/me", response=Person)
def me(request: HttpRequest) -> Person:
    """Return whom the request acts for."""
    user = caller(request)
    return Person(username=user.get_username(), is_staff=user.is_staff)


@router.get("/tokens", response=list[TokenOut])
def tokens(request: HttpRequest) -> list[TokenOut]:
    """Return the caller's tokens, the newest first."""
    rows = Token.objects.filter(owner=caller(request)).order_by("-created_at", "-id")
    return [token_out(token) for token in rows]


@router.post("/tokens", response={201: NewTokenOut})
def token_create(request: HttpRequest, payload: TokenIn) -> Status[NewTokenOut]:
    """Make a token; the answer is the only place where its secret is ever shown."""
    made = services.token_create(owner=caller(request), name=payload.name)
    return Status(201, NewTokenOut(**token_out(made.token).model_dump(), secret=made.secret))


@router.delete("/tokens/{token_id}", response={204: None})
def token_revoke(request: HttpRequest, token_id: int) -> Status[None]:
    """Revoke a token at once."""
    user = caller(request)
    services.token_revoke(token=get_object_or_404(Token, pk=token_id), user=user)
    return Status(204, None)
