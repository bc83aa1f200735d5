"""People who call the API by token."""

import json
from typing import TYPE_CHECKING, Any

from django.test import Client

from webapp.accounts.models import User
from webapp.api.services import token_create

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

ROOT = "/api/v1"


class Caller:
    """A person's token, and short ways to use it."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.secret = token_create(owner=user, name="tests").secret
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"})

    def get(self, path: str, **query: Any) -> "Response":
        return self.client.get(ROOT + path, query)

    def post(self, path: str, body: Any = None) -> "Response":
        return self.send("post", path, body)

    def send(self, method: str, path: str, body: Any = None) -> "Response":
        content = "" if body is None else json.dumps(body)
        return self.client.generic(
            method.upper(), ROOT + path, content, content_type="application/json"
        )

    def delete(self, path: str) -> "Response":
        return self.client.delete(ROOT + path)


def answer(response: "Response", status: int = 200) -> Any:
    """Return the JSON of an answer that must have this status."""
    assert response.status_code == status, (response.status_code, response.content[:2000])
    return json.loads(response.content) if response.content else None


def paths_of(response: "Response", status: int = 422) -> list[str]:
    """Return the fields that a problem document names."""
    document = answer(response, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (document["status"], document["type"]) == (status, "about:blank")
    return [error["path"] for error in document["errors"]]
