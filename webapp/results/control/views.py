"""The compare page where the chosen runs are policies in control; called by `results.views`."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from webapp.results.control import exports, page
from webapp.results.control.choice import ControlChoice, parse_control, with_runs
from webapp.results.control.comparison import ControlComparison, load
from webapp.results.control.figures import FIGURES, trainings_of
from webapp.results.control.selectors import Family
from webapp.results.exports import points_csv
from webapp.results.htmx import elsewhere, is_at, is_of_another_page

FRAGMENTS = {
    "comparison": "results/control/_comparison.html",
    "picker-list": "results/_picker.html",
}
MIXED = "results/control/_mixed.html"


def choice_of(request: HttpRequest, runs: tuple[int, ...]) -> ControlChoice:
    """Return what the address or the form asks for, about some runs."""
    return with_runs(parse_control(request.GET, page.metric_names(), page.outcome_names()), runs)


def compare(request: HttpRequest, family: Family, runs: tuple[int, ...]) -> HttpResponse:
    """Show the chosen runs, or say why they cannot be compared; the address restores the page."""
    choice = choice_of(request, runs)
    address = f"{reverse('results:compare')}?{choice.query()}"
    target = request.headers.get("HX-Target", "")
    if target not in FRAGMENTS and ("form" in request.GET or "experiment" in request.GET):
        return redirect(address)
    if is_of_another_page(request, family):
        return elsewhere(address)
    search = request.GET.get("q", "")
    if family is Family.MIXED:
        picked = page.picking(choice.runs, search)
        template = _template(target, "results/control/mixed.html", MIXED)
        return render(request, template, {"picking": picked, "page": picked})
    shown = page.build_page(load(choice), search=search)
    is_picker = target == "picker-list"
    context: dict[str, Any] = {
        "page": shown.picking if is_picker else shown,
        "picking": shown.picking,
        "link": request.build_absolute_uri(address),
    }
    own = FRAGMENTS["comparison"]
    response = render(request, _template(target, "results/control/compare.html", own), context)
    if target == "comparison" and not is_at(request, address):
        response.headers["HX-Push-Url"] = address
    return response


def _template(target: str, whole: str, comparison: str) -> str:
    return {"comparison": comparison, "picker-list": FRAGMENTS["picker-list"]}.get(target, whole)


def figure(request: HttpRequest, name: str, runs: tuple[int, ...]) -> HttpResponse:
    """Return one of the page's plots as Plotly JSON."""
    if name not in FIGURES:
        raise Http404(f"there is no plot {name} of policies in control")
    drawn = FIGURES[name](load(choice_of(request, runs)))
    return HttpResponse(drawn.to_json(), content_type="application/json")


EXPORTS: Mapping[str, tuple[str, Callable[[ControlComparison], str]]] = {
    "table.csv": ("text/csv", exports.table_csv),
    "table.tex": ("text/x-tex", exports.table_latex),
    "episodes.csv": ("text/csv", exports.episodes_csv),
    "points.csv": ("text/csv", lambda found: points_csv(trainings_of(found))),
}


def export(request: HttpRequest, name: str, runs: tuple[int, ...]) -> HttpResponse:
    """Return the comparison as a file to keep."""
    found = load(choice_of(request, runs))
    if name == "comparison.json":
        response: HttpResponse = JsonResponse(
            dict(exports.as_json(found)), json_dumps_params={"indent": 1}
        )
    elif name in EXPORTS:
        content_type, write = EXPORTS[name]
        response = HttpResponse(write(found), content_type=f"{content_type}; charset=utf-8")
    else:
        raise Http404(f"there is no file {name} of policies in control")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
