"""The style guide: every component on one page, for those who build pages."""

import math
from datetime import timedelta

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from webapp.components.navigation import GROUPS
from webapp.components.templatetags.ui import STATES


class SampleForm(forms.Form):
    """One field of each sort."""

    name = forms.CharField(help_text="What you will call it.", min_length=3)
    learning_rate = forms.FloatField(
        min_value=0, max_value=1, initial=3e-4, help_text="Step size of AdamW."
    )
    steps = forms.IntegerField(min_value=1, initial=250, help_text="Optimizer updates.")
    schedule = forms.ChoiceField(choices=[("constant", "constant"), ("cosine", "cosine")])
    clip = forms.BooleanField(
        required=False, label="Clip gradients", help_text="At a global norm of 1."
    )
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component."""
    now = timezone.now()
    context = {
        "states": list(STATES),
        "sections": [one for group in GROUPS for one in group],
        "form": SampleForm(),
        "bad_form": SampleForm({"name": "ab", "learning_rate": "7", "steps": "x"}),
        "page": Paginator(range(1, 235), 25).page(2),
        "moments": [now, now - timedelta(minutes=7), now - timedelta(days=3)],
    }
    return render(request, "components/styleguide.html", context)


@require_safe
def sample_figure(request: HttpRequest) -> JsonResponse:
    """Return the Plotly JSON of two made-up curves with bands; nothing with `?empty=1`."""
    if "empty" in request.GET:
        return JsonResponse({"data": [], "layout": {}})
    steps = list(range(0, 251, 10))
    rising = [0.28 + 0.45 * (1 - math.exp(-step / 60)) for step in steps]
    falling = [0.28 * math.exp(-step / 25) for step in steps]
    data = [
        *_curve(steps, rising, "rises", "0, 114, 178"),
        *_curve(steps, falling, "collapses", "213, 94, 0"),
    ]
    layout = {
        "xaxis": {"title": {"text": "steps"}},
        "yaxis": {"title": {"text": "sampled accuracy"}, "range": [0, 1], "tickformat": ".0%"},
    }
    return JsonResponse({"data": data, "layout": layout})


def _curve(steps: list[int], values: list[float], name: str, rgb: str) -> list[dict[str, object]]:
    around = [*(value + 0.05 for value in values), *(value - 0.05 for value in reversed(values))]
    return [
        {
            "x": [*steps, *reversed(steps)],
            "y": around,
            "fill": "toself",
            "fillcolor": f"rgba({rgb}, 0.15)",
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        {"x": steps, "y": values, "name": name, "line": {"color": f"rgb({rgb})", "width": 2.5}},
    ]
