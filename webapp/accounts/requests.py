"""Who is asking."""

from django.http import HttpRequest

from webapp.accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """Return the person who signed in; every page is behind LoginRequiredMiddleware.

    Raises:
        TypeError: A view that allows anonymous requests asked.
    """
    if not isinstance(request.user, User):
        raise TypeError("this view needs a person who signed in")
    return request.user
