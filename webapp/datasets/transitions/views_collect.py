"""Collecting transitions: the builder of compositions."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from algorithms.environments.table import ENVIRONMENTS
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets.forms import NameForm
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import services
from webapp.datasets.transitions.drafts import CollectDraft, acted, fresh


@require_http_methods(["GET", "POST"])
def collect(request: HttpRequest) -> HttpResponse:
    """Show the builder; start the job, or take one of the builder's own buttons."""
    act = request.POST.get("act", "")
    if request.method == "GET":
        asked = request.GET
        draft = CollectDraft(fresh(asked.get("environment", ""), asked.get("composition", "")))
        return _page(request, draft, NameForm(initial=asked.dict()))
    if act:
        return _page(
            request, CollectDraft(acted(request.POST, act)), NameForm(initial=_name(request))
        )
    draft, name_form = CollectDraft(request.POST), NameForm(request.POST)
    dataset = _start(request, draft, name_form)
    if dataset is not None:
        return redirect("datasets:detail", pk=dataset.pk)
    return _page(request, draft, name_form, status=422)


def _name(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "description")}


def _page(
    request: HttpRequest, draft: CollectDraft, name_form: NameForm, status: int = 200
) -> HttpResponse:
    context = {"draft": draft, "name_form": name_form, "shares": draft.shares()}
    context["known"] = ENVIRONMENTS[draft.environment]
    return render(request, "datasets/transitions/collect.html", context, status=status)


def _start(request: HttpRequest, draft: CollectDraft, name_form: NameForm) -> Dataset | None:
    """Start the job; None with the errors at their fields."""
    spec = draft.spec()
    if not name_form.is_valid() or spec is None:
        return None
    try:
        return services.transitions_collect(
            owner=signed_in(request), spec=spec[0], policies=spec[1], **name_form.cleaned_data
        )
    except ValidationError as error:
        add_errors(name_form, error)
        return None


@require_POST
def parts(request: HttpRequest) -> HttpResponse:
    """Return the rows after a button of the builder, or all of it for another environment."""
    act = request.POST.get("act", "")
    draft = CollectDraft(acted(request.POST, act))
    changed = "_builder.html" if act == "environment" else "_parts.html"
    response = render(request, f"datasets/transitions/{changed}", {"draft": draft})
    return trigger_client_event(response, "parts-changed", after="settle")


@require_POST
def shares(request: HttpRequest) -> HttpResponse:
    """Return what each part comes to, for what was typed so far."""
    draft = CollectDraft(request.POST)
    context = {"draft": draft, "shares": draft.shares(), "known": ENVIRONMENTS[draft.environment]}
    return render(request, "datasets/transitions/_shares.html", context)
