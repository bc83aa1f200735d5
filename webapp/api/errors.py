"""Errors as problem documents (RFC 9457), each message with the path of its field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import pydantic
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as RequestError

from algorithms.base import UserError
from algorithms.curation.pipeline import StepError
from webapp.datasets.imports import BadRowsError
from webapp.experiments.portable.services import ImportRefused

INVALID = "Something in the request cannot be used; see errors."


def problem(
    status: int, detail: str, errors: Sequence[tuple[str, str]] = (), **more: Any
) -> HttpResponse:
    """Return a problem document; `errors` are (dotted path, message) pairs."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"path": path, "message": message} for path, message in errors],
    }
    return JsonResponse(body | more, status=status, content_type="application/problem+json")


def install(api: NinjaAPI) -> None:
    """Make the API answer every error that a caller can provoke with a problem document."""
    for kind, answer in ANSWERS.items():
        api.add_exception_handler(kind, partial(_answered, answer))


def _answered(answer: "Answer", _: HttpRequest, error: Exception) -> HttpResponse:
    return answer(error)


def _request_error(error: RequestError) -> HttpResponse:
    return problem(422, INVALID, [_placed(item["loc"], item["msg"]) for item in error.errors])


def _schema_error(error: pydantic.ValidationError) -> HttpResponse:
    found = [(_dotted(item["loc"]), _sentence(item["msg"])) for item in error.errors()]
    return problem(422, INVALID, found)


def _bad_rows(error: BadRowsError) -> HttpResponse:
    rows = [(f"line {row.line}", row.reason) for row in error.outcome.first_bad]
    return problem(422, str(error), rows, bad_rows=error.outcome.bad)


def _http_error(error: HttpError) -> HttpResponse:
    details = {401: "Send a token (Authorization: Bearer lab_…), or sign in."}
    return problem(error.status_code, details.get(error.status_code, str(error)))


def _file_refused(error: ImportRefused) -> HttpResponse:
    found = [(f"line {one.line}: {one.field}", one.message) for one in error.problems]
    return problem(422, INVALID, found, not_understood=list(error.not_understood))


Answer = Callable[[Any], HttpResponse]

ANSWERS: Mapping[type[Exception], Answer] = {
    RequestError: _request_error,
    pydantic.ValidationError: _schema_error,
    ValidationError: lambda error: problem(422, INVALID, _fields(error)),
    BadRowsError: _bad_rows,
    StepError: lambda error: problem(422, INVALID, [(f"steps.{error.step}", error.reason)]),
    ImportRefused: _file_refused,
    UserError: lambda error: problem(409, str(error)),
    PermissionDenied: lambda error: problem(403, str(error) or "You may not do this."),
    Http404: lambda error: problem(404, str(error) or "There is nothing here."),
    HttpError: _http_error,
}


def _placed(loc: Sequence[int | str], message: str) -> tuple[str, str]:
    """Drop ninja's `body.<parameter>` before the path that the caller knows."""
    skipped = 2 if loc and loc[0] in ("body", "form", "file") and len(loc) > 1 else 1
    rest = loc[skipped:] if len(loc) > skipped else loc[-1:]
    return _dotted(rest), _sentence(message)


def _dotted(loc: Iterable[int | str]) -> str:
    return ".".join(map(str, loc))


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


def _fields(error: ValidationError) -> list[tuple[str, str]]:
    if not hasattr(error, "error_dict"):
        return [("", message) for message in error.messages]
    return [
        ("" if field == "__all__" else field, message)
        for field, messages in error.message_dict.items()
        for message in messages
    ]
