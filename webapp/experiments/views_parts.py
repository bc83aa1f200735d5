"""Fragments that the New experiment page asks for: rows, recipes, axes, curations."""

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from algorithms.base import UserError
from webapp.experiments import prefill
from webapp.experiments.configs import family_of
from webapp.experiments.curations import STARTS
from webapp.experiments.draft_parts import Axis, curation_of, recipe_of, row_of
from webapp.experiments.drafts import draft_of
from webapp.experiments.forms import AxisForm
from webapp.experiments.offers import find_offer
from webapp.experiments.recipes import RECIPE_NAMES


@require_POST
def row(request: HttpRequest) -> HttpResponse:
    """Answer with one more compared group: a tick (`add`) or a copy of a row (`copy`)."""
    data = request.POST.copy()
    try:
        if "copy" in data:
            key = prefill.copy_row(data, str(data["copy"]))
        else:
            key = prefill.add_offer(data, find_offer(data.get("add", "")))
    except UserError as error:
        raise Http404(str(error)) from error
    added = row_of(data, key)
    if added is None:
        raise Http404("There is no such row to copy.")
    return render(request, "experiments/_new_row.html", {"row": added, "added": True})


@require_POST
def recipe(request: HttpRequest) -> HttpResponse:
    """Answer with what the chosen recipe is and its own settings at their defaults."""
    asked = request.POST.get("recipe", "")
    if asked not in RECIPE_NAMES:
        raise Http404(f"There is no recipe {asked}.")
    if family_of(asked) == "control":
        return HttpResponseClientRedirect(reverse("experiments:new_control"))
    data = QueryDict(mutable=True)
    data.update(prefill.recipe_data(asked, {}))
    return render(request, "experiments/_new_recipe.html", {"chosen": recipe_of(data)})


@require_POST
def axis(request: HttpRequest) -> HttpResponse:
    """Answer with one more axis, for the settings of the algorithms that are ticked."""
    draft = draft_of(request.POST)
    key = prefill.next_key(request.POST, prefill.AXIS)
    added = Axis(key, AxisForm(prefix=f"axis{key}", choices=draft.axis_choices))
    return render(request, "experiments/_new_axis.html", {"axis": added})


@require_POST
def curation(request: HttpRequest) -> HttpResponse:
    """Answer with one more curation, from what the page offers to start from."""
    starts = {start.key: start for start in STARTS}
    start = starts.get(request.POST.get("curation-start", ""), STARTS[0])
    data = request.POST.copy()
    key = prefill.add_curation(data, start.name, start.steps)
    added = curation_of(data, key)
    return render(request, "experiments/_new_curation.html", {"curation": added})
