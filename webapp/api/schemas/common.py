"""Shapes that every part of the API uses."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query, Schema
from pydantic import Field

from webapp.api.models import Token

T = TypeVar("T")
M = TypeVar("M", bound=Model)
MAX_LIMIT = 200


class Page(Schema, Generic[T]):
    """Part of a list."""

    items: list[T]
    total: int
    offset: int
    limit: int


class Range(Schema):
    """Which part of a list is asked for."""

    offset: int = Field(0, ge=0, le=10**9)
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


RangeQuery = Annotated[Range, Query()]


def page_of(rows: QuerySet[M], asked: Range, shape: Callable[[M], T]) -> Page[T]:
    """Return one page of a query in the shape of the API; 2 queries."""
    part = rows[asked.offset : asked.offset + asked.limit]
    return Page(
        items=[shape(row) for row in part],
        total=rows.count(),
        offset=asked.offset,
        limit=asked.limit,
    )


class Person(Schema):
    """Whom the request acts for."""

    username: str
    is_staff: bool


class TokenOut(Schema):
    """A token without its secret."""

    id: int
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    """A new token; the secret is shown this once."""

    secret: str


def token_out(token: Token) -> TokenOut:
    """Return a token as the API shows it."""
    return TokenOut.model_validate(token)
