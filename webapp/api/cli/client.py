"""Calls of the REST API with the standard library only."""

import json
import os
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT_S = 120.0
CHUNK_BYTES = 2**20


class ApiError(Exception):
    """The API refused, or could not be reached; the message is for the person."""


@dataclass(frozen=True)
class Client:
    """An installation and a token for it."""

    url: str
    token: str

    def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """Return the answer to a call: JSON as Python values, anything else as text.

        Raises:
            ApiError: it was refused, or there is no answer.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        request = urllib.request.Request(self._address(path, query), data, headers)  # noqa: S310
        return self._send(request, method)

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> Any:
        """Return the answer to a form with a file, which is read while it is sent.

        Raises:
            ApiError: it was refused, or there is no answer.
        """
        boundary = secrets.token_hex(16)
        head, tail = _form(boundary, fields, file.name)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
        }
        with file.open("rb") as content:
            chunks = _chain(head, iter(lambda: content.read(CHUNK_BYTES), b""), tail)
            request = urllib.request.Request(self._address(path, None), chunks, headers)  # noqa: S310
            return self._send(request, "POST")

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        text = urllib.parse.urlencode(given, doseq=True)
        return f"{self.url.rstrip('/')}/api/v1{path}{f'?{text}' if text else ''}"

    def _send(self, request: urllib.request.Request, method: str) -> Any:
        request.method = method
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                content: bytes = response.read()
                kind = response.headers.get_content_type()
        except urllib.error.HTTPError as error:
            raise ApiError(_refusal(error)) from error
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise ApiError(f"{self.url} does not answer ({reason}). Is LAB_URL right?") from error
        text = content.decode()
        return json.loads(text) if text and kind == "application/json" else text


def client_from_environment() -> Client:
    """Return a client for LAB_URL with LAB_TOKEN.

    Raises:
        ApiError: no token, or an address that is none.
    """
    url = os.environ.get("LAB_URL", DEFAULT_URL)
    if not url.startswith(("http://", "https://")):
        raise ApiError(f"LAB_URL={url} is no address: it starts with http:// or https://.")
    token = os.environ.get("LAB_TOKEN", "")
    if not token:
        raise ApiError(f"LAB_TOKEN is not set. Make a token on your account page at {url}.")
    return Client(url, token)


def _refusal(error: urllib.error.HTTPError) -> str:
    """Return a problem document as lines: what happened, then each field."""
    text = error.read().decode(errors="replace")
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return f"{error.code} {error.reason}"
    lines = [str(document.get("detail", f"{error.code} {error.reason}"))]
    lines += [f"  {one['path']}: {one['message']}" for one in document.get("errors", [])]
    return "\n".join(lines)


def _form(boundary: str, fields: Mapping[str, str], filename: str) -> tuple[bytes, bytes]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    safe = filename.replace('"', "'")
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{safe}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _chain(head: bytes, chunks: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    yield head
    yield from chunks
    yield tail
