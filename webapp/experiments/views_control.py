"""The New experiment page of the control laboratory, and its first experiment in one click."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from algorithms.base import UserError
from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from webapp.accounts.requests import signed_in
from webapp.catalogue.models import Preset
from webapp.datasets.selectors import datasets
from webapp.experiments import prefill
from webapp.experiments.control import offers
from webapp.experiments.control import prefill as control_prefill
from webapp.experiments.control.draft import ControlDraft
from webapp.experiments.control.parts import correction_of, network_section, row_of
from webapp.experiments.control.point_mass import point_mass_launch
from webapp.experiments.offers import find_offer
from webapp.experiments.recipes import RECIPE_NAMES
from webapp.experiments.views_new import launch, new_page, restored
from webapp.messages import user_errors_as_messages


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the page with its defaults, or launch what is posted."""
    if request.method == "POST":
        return launch(request, ControlDraft(request.POST))
    rows = datasets(family="transitions")
    asked = request.GET.get("dataset", "")
    dataset = (rows.filter(pk=int(asked)).first() if asked.isdecimal() else None) or rows.first()
    if dataset is None:
        return render(request, "experiments/control/missing.html")
    data = control_prefill.empty_data(dataset)
    try:
        for name in request.GET.getlist("algorithm"):
            _tick(data, request.GET.get("preset", ""), name)
        for number in request.GET.getlist("policy"):
            control_prefill.add_given(data, offers.find_given(f"{offers.POLICY}{number}"))
    except UserError as error:
        raise Http404(str(error)) from error
    return new_page(request, ControlDraft(data, fresh=True))


def _tick(data: QueryDict, preset: str, name: str) -> None:
    """Add what the gallery sent: an algorithm or a correction, with a saved preset or without."""
    source = f"preset:{preset}" if preset and Preset.objects.filter(pk=preset).exists() else name
    if name in CORRECTIONS:
        control_prefill.add_correction(data, offers.find_correction(source))
    else:
        prefill.add_offer(data, find_offer(source, CONTROL_ALGORITHMS))


@require_POST
def row(request: HttpRequest) -> HttpResponse:
    """Answer with one more policy: a tick (`add`) or a copy of a row (`copy`)."""
    data = request.POST.copy()
    source = str(data.get("add", ""))
    try:
        if "copy" in data:
            key = prefill.copy_row(data, str(data["copy"]))
        elif source.startswith(offers.POLICY):
            key = control_prefill.add_given(data, offers.find_given(source))
        else:
            key = prefill.add_offer(data, find_offer(source, CONTROL_ALGORITHMS))
    except UserError as error:
        raise Http404(str(error)) from error
    added = row_of(data, key)
    if added is None:
        raise Http404("There is no such row to copy.")
    return render(request, "experiments/control/_row.html", {"row": added})


@require_POST
def correction(request: HttpRequest) -> HttpResponse:
    """Answer with one more way of acting."""
    data = request.POST.copy()
    try:
        offer = offers.find_correction(str(data.get("correction-start", "")))
    except UserError as error:
        raise Http404(str(error)) from error
    added = correction_of(data, control_prefill.add_correction(data, offer))
    return render(request, "experiments/control/_correction.html", {"correction": added})


@require_POST
def network(request: HttpRequest) -> HttpResponse:
    """Answer with the settings of a network as one of its presets has them."""
    name = request.POST.get("network", "")
    try:
        section = network_section(name, request.POST.get("network-preset", ""), request.POST)
    except UserError as error:
        raise Http404(str(error)) from error
    return render(request, "experiments/_schema_fields.html", {"form": section.form})


@require_POST
def recipe(request: HttpRequest) -> HttpResponse:
    """Lead to the page of another recipe; what is typed here is kept by the browser."""
    asked = request.POST.get("recipe", "")
    if asked not in RECIPE_NAMES:
        raise Http404(f"There is no recipe {asked}.")
    return HttpResponseClientRedirect(f"{reverse('experiments:new')}?recipe={asked}")


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Answer with the page as it was typed before; nothing (204) if it was launched since."""
    data = request.POST.copy()
    data["recipe"] = "control"
    return restored(request, ControlDraft(data, fresh=True))


@require_POST
@user_errors_as_messages
def point_mass(request: HttpRequest) -> HttpResponse:
    """Launch the laboratory's first experiment, its data included; twice shows the same one."""
    experiment = point_mass_launch(owner=signed_in(request))
    messages.success(request, f"“{experiment}” was launched. It takes about three minutes.")
    return redirect("experiments:detail", pk=experiment.pk)
