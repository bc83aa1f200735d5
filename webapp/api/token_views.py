"""Making and ending tokens in the browser; the account's page lists them."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from webapp.accounts.requests import signed_in
from webapp.api import services
from webapp.api.models import Token
from webapp.messages import user_errors_as_messages


@never_cache
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once, on the account's page."""
    user = signed_in(request)
    context: dict[str, object] = {"tokens": user.token_set.order_by("-created_at")}
    try:
        context["made"] = services.token_create(owner=user, name=request.POST.get("name", ""))
    except ValidationError as error:
        context["name_error"] = " ".join(error.messages)
        context["name"] = request.POST.get("name", "")
        return render(request, "accounts/profile.html", context, status=422)
    return render(request, "accounts/profile.html", context)


@require_POST
@user_errors_as_messages
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the own tokens."""
    token = get_object_or_404(Token, pk=pk, owner=signed_in(request))
    services.token_revoke(token=token, user=signed_in(request))
    messages.success(request, f"The token “{token.name}” no longer works.")
    return redirect("accounts:profile")
