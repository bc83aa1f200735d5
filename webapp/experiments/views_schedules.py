"""The plot of which policy writes which batch, drawn while an experiment is set up."""

import itertools
from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET
from pydantic import ValidationError

from algorithms.online.schedule import Step, preview
from algorithms.online.settings import Schedule
from webapp.experiments.configs import AnyConfig
from webapp.experiments.recipes import load
from webapp.results.figures import schedule as plot

_USUAL_STEPS = 160
"""Drawn where the data tell how many updates there are: those of the paper's figures."""
_MOST_STEPS = 2000
"""Updates that are drawn; what follows looks the same."""
_MOST_LINES = 12


def address(config: AnyConfig) -> str:
    """Return where the schedules of a config are drawn; empty where its recipe has none."""
    schedules = load(config.recipe).schedules
    if schedules is None:
        return ""
    given = [
        ("schedule", f"{name}|{one.model_dump_json(exclude_none=True)}|{steps or _USUAL_STEPS}")
        for name, (one, steps) in schedules(config).items()
    ]
    return f"{reverse('experiments:schedules')}?{urlencode(given[:_MOST_LINES])}"


@require_GET
def figure(request: HttpRequest) -> HttpResponse:
    """Return the plot of the schedules that the address names as Plotly JSON."""
    drawn = dict(
        made
        for text in request.GET.getlist("schedule")[:_MOST_LINES]
        if (made := _steps_of(text)) is not None
    )
    if "schedule" not in request.GET:
        drawn = {"on-policy": list(preview(Schedule(), _USUAL_STEPS))}
    return HttpResponse(plot.draw(drawn).to_json(), content_type="application/json")


def _steps_of(text: str) -> tuple[str, Sequence[Step]] | None:
    """Return the name and updates of one schedule of an address; None where it is not one."""
    name, _, rest = text.partition("|")
    given, _, count = rest.rpartition("|")
    try:
        schedule = Schedule.model_validate_json(given)
    except ValidationError:
        return None
    steps = int(count) if count.isdecimal() else _USUAL_STEPS
    made = itertools.islice(preview(schedule, steps), _MOST_STEPS)
    return name or "the schedule", list(made)
