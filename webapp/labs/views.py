"""The labs: everything is in the address, nothing is stored."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from algorithms.base import UserError
from algorithms.labs.presets import BANDIT_EXAMPLES, LOSS_EXAMPLES
from webapp.labs import exports
from webapp.labs.bandit_page import SLICE_S, open_bandit_page
from webapp.labs.choices import added_row, offers
from webapp.labs.curves import coefficient_curves, trajectories
from webapp.labs.loss_page import open_loss_page
from webapp.results.figures import coefficient_curves as curves_figure
from webapp.results.figures import expected_reward, simplex

FIRST_S = 0.0
"""How long a bandit is played before the whole page is shown: it asks for the playing itself."""


@require_safe
def loss(request: HttpRequest) -> HttpResponse:
    """Show the Loss lab as its address has it; to htmx, what follows from what is typed."""
    page = open_loss_page(request.GET)
    if not request.htmx:  # type: ignore[attr-defined]  # django_htmx adds it to the request
        context = {"page": page, "examples": LOSS_EXAMPLES, "groups": offers()}
        return render(request, "labs/loss.html", context)
    return render(request, "labs/_loss_result.html", {"page": page})


@require_safe
def bandit(request: HttpRequest) -> HttpResponse:
    """Show the Bandit lab as its address has it; to htmx, how far the algorithms have played."""
    is_fragment = request.htmx  # type: ignore[attr-defined]  # django_htmx adds it to the request
    page = open_bandit_page(request.GET, seconds=SLICE_S if is_fragment else FIRST_S)
    if not is_fragment:
        context = {"page": page, "examples": BANDIT_EXAMPLES, "groups": offers()}
        return render(request, "labs/bandit.html", context)
    return render(request, "labs/_bandit_result.html", {"page": page})


@require_safe
def choice(request: HttpRequest) -> HttpResponse:
    """Answer with one more algorithm for either lab."""
    try:
        row = added_row(request.GET)
    except UserError as error:
        raise Http404(str(error)) from error
    return render(request, "labs/_choice.html", {"row": row, "is_open": True})


@require_safe
def coefficient_figure(request: HttpRequest) -> HttpResponse:
    """Answer with c against the ratio for the chosen algorithms, as Plotly's JSON."""
    page = open_loss_page(request.GET)
    return _drawn(curves_figure.draw(coefficient_curves(page.choices)))


@require_safe
def simplex_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the policies' paths over three arms, as Plotly's JSON."""
    page = open_bandit_page(request.GET, seconds=0.0)
    arms = len(page.bandit.behaviour) if page.bandit else 0
    return _drawn(simplex.draw(trajectories(page), arms))


@require_safe
def reward_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the expected reward over updates, as Plotly's JSON."""
    page = open_bandit_page(request.GET, seconds=0.0)
    best = max(page.bandit.rewards) if page.bandit else None
    return _drawn(expected_reward.draw(trajectories(page), best))


def _drawn(figure: go.Figure) -> HttpResponse:
    return HttpResponse(figure.to_json(), content_type="application/json")


@require_safe
def loss_csv(request: HttpRequest) -> HttpResponse:
    """Answer with a line per algorithm and token."""
    return _csv("loss-lab", exports.loss_lines(open_loss_page(request.GET).looks))


@require_safe
def loss_json(request: HttpRequest) -> HttpResponse:
    """Answer with the same as the API."""
    return JsonResponse(exports.looks_json(open_loss_page(request.GET).looks), safe=False)


@require_safe
def bandit_csv(request: HttpRequest) -> HttpResponse:
    """Answer with a line per algorithm and recorded update."""
    page = open_bandit_page(request.GET)
    return _csv("bandit-lab", exports.bandit_lines(page.bandit, page.played))


@require_safe
def bandit_json(request: HttpRequest) -> HttpResponse:
    """Answer with the same as the API."""
    page = open_bandit_page(request.GET)
    return JsonResponse(exports.played_json(page.bandit, page.played), safe=False)


def _csv(name: str, lines: Iterable[Sequence[object]]) -> HttpResponse:
    answer = HttpResponse(exports.csv_text(lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
