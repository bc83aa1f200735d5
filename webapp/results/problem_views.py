"""The page of problems: a heat map of problems by runs, filtered, and every cell's completions."""

from typing import Any

import plotly.graph_objects as go
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from algorithms.base import UserError
from webapp.results.figures import problem_heat
from webapp.results.problem_choice import Look, parse_problems
from webapp.results.problems import Grid, load_grid
from webapp.results.problems_page import build_problems_page, prefix_of


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Show which run solves which problem; the address restores the page."""
    context: dict[str, Any] = {}
    try:
        context["page"] = build_problems_page(load_grid(parse_problems(request.GET)))
    except UserError as error:
        context["problem"] = str(error)
    return render(request, "results/problems.html", context)


@require_safe
def problems_figure(request: HttpRequest) -> HttpResponse:
    """Return the heat map as Plotly JSON."""
    drawn = _draw(load_grid(parse_problems(request.GET)))
    return HttpResponse(drawn.to_json(), content_type="application/json")


def _draw(grid: Grid) -> go.Figure:
    base = grid.base if grid.choice.look is Look.CHANGE else None
    columns = [
        problem_heat.HeatColumn(
            name=column.name,
            values=(column.values if base is None else column.values - base.values)[grid.shown],
            prefix=prefix_of(column.job_id),
            places=tuple(column.places[grid.shown].tolist()),
        )
        for column in grid.columns
    ]
    return problem_heat.draw(columns, change=base is not None)
