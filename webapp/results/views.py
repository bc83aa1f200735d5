"""The compare page: the page itself, its figures, its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from algorithms.metrics import metric_by_name
from webapp.results import compare as comparing
from webapp.results import compare_figures, exports, selectors
from webapp.results.at_k import at_k_figure, cardinality_figure
from webapp.results.choice import Choice, parse, with_runs
from webapp.results.compare import Comparison
from webapp.results.compare_page import build_page
from webapp.results.control import views as control
from webapp.results.control.selectors import Family, family_of_runs
from webapp.results.cost import cost_csv, cost_latex, cost_table
from webapp.results.htmx import elsewhere, is_at, is_of_another_page
from webapp.results.iterations import by_iteration_figure, iterations_csv
from webapp.results.kept import kept_csv, kept_figure

FRAGMENTS = {
    "comparison": "results/_comparison.html",
    "picker-list": "results/_picker.html",
}
"""What htmx asks for, by the id of the element that it replaces."""


def choice_of(request: HttpRequest) -> Choice:
    """Return what the address or the form asks for, experiments expanded to their runs."""
    choice = parse(request.GET, comparing.metric_names(), comparing.outcome_names())
    experiments = [int(one) for one in request.GET.getlist("experiment") if one.isdigit()]
    if not experiments:
        return choice
    return with_runs(choice, [*choice.runs, *selectors.runs_of_experiments(experiments)])


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show the chosen runs; the address restores the page."""
    choice = choice_of(request)
    address = _address("results:compare", choice)
    fragment = FRAGMENTS.get(request.headers.get("HX-Target", ""))
    family = family_of_runs(choice.runs)
    if family is Family.CONTROL or family is Family.MIXED:
        return control.compare(request, family, choice.runs)
    if fragment is None and ("form" in request.GET or "experiment" in request.GET):
        return redirect(address)
    if is_of_another_page(request, family):
        return elsewhere(address)
    page = build_page(comparing.load(choice), search=request.GET.get("q", ""))
    address = _address("results:compare", page.choice)
    context = {"page": page, "link": request.build_absolute_uri(address)}
    response = render(request, fragment or "results/compare.html", context)
    if fragment == FRAGMENTS["comparison"] and not is_at(request, address):
        response.headers["HX-Push-Url"] = address
    return response


def _address(name: str, choice: Choice) -> str:
    query = choice.query()
    return f"{reverse(name)}?{query}" if query else reverse(name)


def _curves(found: Comparison) -> go.Figure:
    return compare_figures.curves_figure(found, metric_by_name(found.choice.metric))


FIGURES: Mapping[str, Callable[[Comparison], go.Figure]] = {
    "curves": _curves,
    "final": compare_figures.dots_figure,
    "shares": compare_figures.shares_figure,
    "at-k": at_k_figure,
    "cardinality": cardinality_figure,
    "by-iteration": by_iteration_figure,
    "kept": kept_figure,
}


@require_safe
def compare_figure(request: HttpRequest, name: str) -> HttpResponse:
    """Return one of the page's plots as Plotly JSON."""
    choice = choice_of(request)
    if family_of_runs(choice.runs) is Family.CONTROL:
        return control.figure(request, name, choice.runs)
    if name not in FIGURES:
        raise Http404(f"there is no plot {name}")
    drawn = FIGURES[name](comparing.load(choice))
    return HttpResponse(drawn.to_json(), content_type="application/json")


@dataclass(frozen=True)
class Export:
    """One file that the page offers."""

    content_type: str
    write: Callable[[Comparison], str]


EXPORTS: Mapping[str, Export] = {
    "cost.csv": Export("text/csv", cost_csv),
    "cost.tex": Export("text/x-tex", cost_latex),
    "points.csv": Export("text/csv", exports.points_csv),
    "iterations.csv": Export("text/csv", iterations_csv),
    "checkpoints.csv": Export("text/csv", kept_csv),
    "table.csv": Export("text/csv", lambda found: exports.table_csv(comparing.table(found))),
    "table.tex": Export("text/x-tex", lambda found: exports.table_latex(comparing.table(found))),
}


@require_safe
def compare_cost(request: HttpRequest) -> HttpResponse:
    """Show what reaching a target accuracy cost; a part of the compare page, fetched by itself."""
    found = comparing.load(choice_of(request))
    context = {"cost": cost_table(found), "query": found.choice.query()}
    return render(request, "results/_cost.html", context)


@require_safe
def compare_export(request: HttpRequest, name: str) -> HttpResponse:
    """Return the comparison as a file to keep."""
    choice = choice_of(request)
    if family_of_runs(choice.runs) is Family.CONTROL:
        return control.export(request, name, choice.runs)
    found = comparing.load(choice)
    if name == "comparison.json":
        response: HttpResponse = JsonResponse(
            exports.as_json(found, comparing.table(found)), json_dumps_params={"indent": 1}
        )
    elif name in EXPORTS:
        export = EXPORTS[name]
        response = HttpResponse(
            export.write(found), content_type=f"{export.content_type}; charset=utf-8"
        )
    else:
        raise Http404(f"there is no file {name}")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
