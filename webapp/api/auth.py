"""Who calls: a token in the Authorization header, or the browser's session with its CSRF token."""

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from webapp.accounts.models import User
from webapp.api import services


class TokenAuth(HttpBearer):
    """`Authorization: Bearer lab_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:  # noqa: ARG002 - ninja's
        """Return the token's owner."""
        return services.authenticate(token)


class SessionAuth(APIKeyCookie):
    """The session of who signed in; anything but reading needs the CSRF token of our pages."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        # Checked below, after the session: a stranger is told 401, not 403.
        super().__init__(csrf=False)

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:  # noqa: ARG002
        """Return who signed in."""
        if not isinstance(request.user, User):
            return None
        if check_csrf(request) is not None:
            raise HttpError(403, "The X-CSRFToken header is missing or wrong.")
        return request.user


def caller(request: HttpRequest) -> User:
    """Return the person whom the request acts for.

    Raises:
        TypeError: the route has no authentication.
    """
    user = getattr(request, "auth", None)
    if not isinstance(user, User):
        raise TypeError("this route needs authentication")
    return user
