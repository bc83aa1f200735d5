"""One prompt in two sets of completions: choosing the other set, and both side by side."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from algorithms.base import UserError
from webapp.accounts.requests import signed_in
from webapp.messages import user_errors_as_messages
from webapp.results.beside import beside
from webapp.results.beside_selectors import offers, scorers
from webapp.results.beside_services import rollouts_score_under
from webapp.results.rollout_views import set_or_404


@require_safe
def choose_beside(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """List the sets that this prompt can be looked up in."""
    found = set_or_404(pk)
    context = {
        "set": found,
        "number": number,
        "offers": offers(found),
        "scorers": scorers(found),
    }
    return render(request, "results/beside_choose.html", context)


@require_safe
def show_beside(request: HttpRequest, pk: int, number: int, other: int) -> HttpResponse:
    """Show one prompt's completions in two sets."""
    left, right = set_or_404(pk), set_or_404(other)
    context: dict[str, Any] = {"set": left, "other": right, "number": number}
    try:
        context["beside"] = beside(left, right, number)
    except UserError as error:
        context["problem"] = str(error)
    else:
        if context["beside"] is None:
            raise Http404(f"set {pk} has no prompt {number}")
    return render(request, "results/beside.html", context)


@require_POST
@user_errors_as_messages
def score_under(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a job that scores the set under a policy of the list, and show it."""
    found = set_or_404(pk)
    asked = request.POST.get("policy", "")
    chosen = next((one for one in scorers(found) if one.fingerprint == asked), None)
    if chosen is None:
        raise Http404(f"set {pk} cannot be scored by {asked}")
    job = rollouts_score_under(
        found=found, policy=chosen.fingerprint, name=chosen.name, user=signed_in(request)
    )
    return redirect("jobs:detail", job.pk)
