"""The labs of the control laboratory: they show what succeeded jobs made, and store nothing."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from algorithms.base import UserError
from webapp.labs import correction_drawing, exports, ground_drawing, score_drawing
from webapp.labs.correct_step import step_query
from webapp.labs.correction_page import open_correction_page
from webapp.labs.ground_page import open_ground_page
from webapp.labs.score_page import open_score_page


@require_safe
def score_field(request: HttpRequest) -> HttpResponse:
    """Show a score network in a plane; to htmx, what follows from what is chosen."""
    page = open_score_page(request.GET)
    name = "_score_result" if request.htmx else "score"  # type: ignore[attr-defined]  # django_htmx
    return render(request, f"labs/{name}.html", {"page": page})


@require_safe
def field_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the field in the plane, as Plotly's JSON."""
    return drawn(score_drawing.field_figure(open_score_page(request.GET)))


@require_safe
def loss_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the denoising losses by level, as Plotly's JSON."""
    return drawn(score_drawing.loss_figure(open_score_page(request.GET)))


@require_safe
def field_csv(request: HttpRequest) -> HttpResponse:
    """Answer with a line per point of the plane."""
    return as_csv("score-field", score_drawing.field_lines(open_score_page(request.GET)))


@require_safe
def field_json(request: HttpRequest) -> HttpResponse:
    """Answer with the plane and the losses."""
    return JsonResponse(score_drawing.field_json(open_score_page(request.GET)))


@require_safe
def correction(request: HttpRequest) -> HttpResponse:
    """Show how one action is corrected; to htmx, what follows from what is chosen."""
    page = open_correction_page(request.GET)
    name = "_correction_result" if request.htmx else "correction"  # type: ignore[attr-defined]
    return render(request, f"labs/{name}.html", {"page": page})


@require_safe
def path_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the way of the action, as Plotly's JSON."""
    return drawn(correction_drawing.path_figure(open_correction_page(request.GET)))


@require_safe
def states_figure(request: HttpRequest) -> HttpResponse:
    """Answer with states of the data to choose from, as Plotly's JSON."""
    return drawn(correction_drawing.states_figure(open_correction_page(request.GET)))


@require_safe
def walk_csv(request: HttpRequest) -> HttpResponse:
    """Answer with a line per correction."""
    return as_csv("correction", correction_drawing.walk_lines(open_correction_page(request.GET)))


@require_safe
def walk_json(request: HttpRequest) -> HttpResponse:
    """Answer with the whole correction."""
    return JsonResponse(correction_drawing.walk_json(open_correction_page(request.GET)))


@require_safe
def correct_step(request: HttpRequest) -> HttpResponse:
    """Go to the correction of one step of an evaluation's episode."""
    names = ("by", "of", "episode", "step")
    try:
        query = step_query(**{name: request.GET.get(name, "") for name in names})
    except UserError as error:
        raise Http404(str(error)) from error
    return redirect(f"{reverse('labs:correction')}?{query}")


@require_safe
def point_mass(request: HttpRequest) -> HttpResponse:
    """Show episodes before and after a correction; to htmx, what follows from what is chosen."""
    page = open_ground_page(request.GET)
    name = "_ground_result" if request.htmx else "ground"  # type: ignore[attr-defined]
    return render(request, f"labs/{name}.html", {"page": page})


@require_safe
def ground_figure(request: HttpRequest) -> HttpResponse:
    """Answer with the episodes from above and their frames, as Plotly's JSON."""
    return drawn(ground_drawing.ground_figure(open_ground_page(request.GET)))


@require_safe
def ground_csv(request: HttpRequest) -> HttpResponse:
    """Answer with a line per step."""
    return as_csv("episodes", ground_drawing.step_lines(open_ground_page(request.GET)))


@require_safe
def ground_json(request: HttpRequest) -> HttpResponse:
    """Answer with the episodes, every step of them."""
    return JsonResponse(ground_drawing.ground_json(open_ground_page(request.GET)))


def drawn(figure: go.Figure) -> HttpResponse:
    """Return a figure as Plotly's JSON."""
    return HttpResponse(figure.to_json(), content_type="application/json")


def as_csv(name: str, lines: Iterable[Sequence[object]]) -> HttpResponse:
    """Return lines as a file to save."""
    answer = HttpResponse(exports.csv_text(lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
