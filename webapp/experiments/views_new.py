"""The New experiment page: from question to launch, with a live preview of the plan."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from algorithms.base import UserError
from webapp.accounts.permissions import require_owner
from webapp.accounts.requests import signed_in
from webapp.datasets.selectors import datasets
from webapp.experiments import prefill, services, views_schedules
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.curations import STARTS
from webapp.experiments.draft import Draft
from webapp.experiments.draft_parts import Axis, curation_of, recipe_of, row_of
from webapp.experiments.forecast import forecast, serving
from webapp.experiments.forms import AxisForm
from webapp.experiments.models import Experiment
from webapp.experiments.offers import find_offer, offer_groups
from webapp.experiments.preview import PlanPreview
from webapp.experiments.prompt_preview import shown_prompts
from webapp.experiments.recipes import RECIPE_NAMES
from webapp.experiments.selectors import clone_config
from webapp.messages import user_errors_as_messages
from webapp.policies.selectors import policies


def new_page(
    request: HttpRequest,
    draft: Draft,
    *,
    template: str = "experiments/new.html",
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """Return the page for what was typed so far; problems are listed where it was refused."""
    context = {
        "draft": draft,
        "groups": offer_groups(),
        "starts": STARTS,
        "ticked": {row.form["source"].value() for row in draft.rows},
        "problems": list(draft.problems(launch=True)) if status != 200 else [],
        **extra,
    }
    return render(request, template, context, status=status)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the page with its defaults, or launch what is posted."""
    if request.method == "POST":
        return _launch(request)
    newest = {
        "dataset_id": datasets(family="prompts").first(),
        "policy_id": policies(family="language").first(),
    }
    missing = [name.removesuffix("_id") for name, row in newest.items() if row is None]
    if missing:
        return render(request, "experiments/new_missing.html", {"missing": missing})
    data = prefill.empty_data()
    for name, row in newest.items():
        data[name] = request.GET.get(name.removesuffix("_id"), str(row.pk if row else ""))
    _tick_asked(data, request.GET)
    return new_page(request, Draft(data, fresh=True))


def _tick_asked(data: QueryDict, asked: QueryDict) -> None:
    """Tick what the address names: `?algorithm=topr`, `?preset=12`."""
    preset = asked.get("preset")
    for source in [f"preset:{preset}"] if preset else asked.getlist("algorithm"):
        try:
            prefill.add_offer(data, find_offer(source))
        except UserError as error:
            raise Http404(str(error)) from error


def _launch(request: HttpRequest) -> HttpResponse:
    draft = Draft(request.POST)
    config = draft.config()
    if not draft.question.is_valid() or config is None:
        return new_page(request, draft, status=422)
    asked = draft.question.cleaned_data
    try:
        experiment = services.experiment_launch(owner=signed_in(request), config=config, **asked)
    except ValidationError as error:
        draft.refuse(error)
    except UserError as error:
        draft.errors[""].append(str(error))
    else:
        messages.success(request, f"“{experiment}” was launched.")
        return redirect("experiments:detail", pk=experiment.pk)
    return new_page(request, draft, status=422)


@require_GET
@user_errors_as_messages
def clone(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page filled with another experiment's config."""
    original = get_object_or_404(Experiment, pk=pk)
    data = prefill.clone_data(original, clone_config(original))
    return new_page(request, Draft(data, fresh=True), original=original)


@require_http_methods(["GET", "POST"])
@user_errors_as_messages
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what may be added to an experiment, or add what is posted."""
    experiment = get_object_or_404(Experiment, pk=pk)
    require_owner(signed_in(request), experiment)
    base = clone_config(experiment)
    if request.method == "GET":
        draft = Draft(prefill.extension_data(base), extends=base)
        return new_page(
            request, draft, template="experiments/new_extend.html", experiment=experiment
        )
    draft = Draft(request.POST, extends=base)
    config = draft.config()
    if config is not None:
        try:
            services.experiment_extend(
                experiment=experiment, config=config, user=signed_in(request)
            )
        except ValidationError as error:
            draft.refuse(error)
        except UserError as error:
            draft.errors[""].append(str(error))
        else:
            messages.success(request, f"“{experiment}” was extended.")
            return redirect("experiments:detail", pk=pk)
    template = "experiments/new_extend.html"
    return new_page(request, draft, template=template, status=422, experiment=experiment)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show what the typed page would run, or what is wrong with it."""
    return _preview(request, Draft(request.POST))


@require_POST
def extend_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the typed extension would run, all that exists included."""
    base = clone_config(get_object_or_404(Experiment, pk=pk))
    return _preview(request, Draft(request.POST, extends=base))


def _preview(request: HttpRequest, draft: Draft) -> HttpResponse:
    config = draft.config()
    planned = None if config is None else _planned(draft, config)
    context = {
        "draft": draft,
        "planned": planned,
        "forecast": forecast(config, planned) if config and planned else None,
        "problems": list(draft.problems(launch="refused" in request.POST and not draft.base)),
        "shown": shown_prompts(config) if config and planned else None,
        "unserved": config.label if config and not serving(config.label) else "",
    }
    answer = render(request, "experiments/_new_preview.html", context)
    url = views_schedules.address(config) if config and not draft.base else ""
    return trigger_client_event(answer, "lab:coefficient", {"url": url}) if url else answer


def _planned(draft: Draft, config: ExperimentConfig) -> PlanPreview | None:
    try:
        return services.experiment_preview(config=config)
    except ValidationError as error:
        draft.refuse(error)
    return None


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
    data = QueryDict(mutable=True)
    data.update(prefill.recipe_data(asked, {}))
    return render(request, "experiments/_new_recipe.html", {"chosen": recipe_of(data)})


@require_POST
def axis(request: HttpRequest) -> HttpResponse:
    """Answer with one more axis, for the settings of the algorithms that are ticked."""
    draft = Draft(request.POST)
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


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Answer with the page as it was typed before; nothing (204) if it was launched since."""
    draft = Draft(request.POST, fresh=True)
    key = draft.question["launch_key"].field
    try:
        launch_key = key.clean(request.POST.get("launch_key"))
    except ValidationError:
        return HttpResponse(status=204)
    if Experiment.objects.filter(launch_key=launch_key).exists():
        return HttpResponse(status=204)
    return new_page(request, draft, template="experiments/_new_form.html")
