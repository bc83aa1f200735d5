"""The New experiment page: from question to launch, with a live preview of the plan."""

from typing import Any, TypeGuard

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from algorithms.base import UserError
from webapp.accounts.permissions import require_owner
from webapp.accounts.requests import signed_in
from webapp.datasets.selectors import datasets
from webapp.experiments import prefill, services, views_schedules
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig, family_of
from webapp.experiments.draft import Draft
from webapp.experiments.drafts import AnyDraft, draft_of, filled, offered
from webapp.experiments.forecast import forecast, serving
from webapp.experiments.models import Experiment
from webapp.experiments.offers import find_offer
from webapp.experiments.preview import PlanPreview
from webapp.experiments.prompt_preview import shown_prompts
from webapp.experiments.recipes import RECIPE_NAMES
from webapp.experiments.selectors import clone_config
from webapp.messages import user_errors_as_messages
from webapp.policies.selectors import policies


def new_page(
    request: HttpRequest,
    draft: AnyDraft,
    *,
    template: str = "",
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """Return the page for what was typed so far; problems are listed where it was refused."""
    context = {
        "draft": draft,
        **offered(draft),
        "ticked": {row.form["source"].value() for row in draft.rows},
        "problems": list(draft.problems(launch=True)) if status != 200 else [],
        **extra,
    }
    return render(request, template or draft.page, context, status=status)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the page with its defaults, or launch what is posted."""
    if family_of(request.GET.get("recipe")) == "control":
        return redirect(f"{reverse('experiments:new_control')}?{request.GET.urlencode()}")
    if request.method == "POST":
        return launch(request, Draft(request.POST))
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
    if (asked := request.GET.get("recipe")) in RECIPE_NAMES:
        data.update(prefill.recipe_data(asked, {}))
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


def launch(request: HttpRequest, draft: AnyDraft) -> HttpResponse:
    """Launch what was typed; show the page again where something is wrong."""
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
    draft = draft_of(filled(original, clone_config(original)), fresh=True)
    return new_page(request, draft, original=original)


@require_http_methods(["GET", "POST"])
@user_errors_as_messages
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what may be added to an experiment, or add what is posted."""
    experiment = get_object_or_404(Experiment, pk=pk)
    require_owner(signed_in(request), experiment)
    base = clone_config(experiment)
    if request.method == "GET":
        draft = draft_of(prefill.extension_data(base), extends=base)
        return new_page(
            request, draft, template="experiments/new_extend.html", experiment=experiment
        )
    draft = draft_of(request.POST, extends=base)
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
    return _preview(request, draft_of(request.POST))


@require_POST
def extend_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the typed extension would run, all that exists included."""
    base = clone_config(get_object_or_404(Experiment, pk=pk))
    return _preview(request, draft_of(request.POST, extends=base))


def _preview(request: HttpRequest, draft: AnyDraft) -> HttpResponse:
    config = draft.config()
    planned = None if config is None else _planned(draft, config)
    context = {
        "draft": draft,
        "planned": planned,
        "forecast": forecast(config, planned) if config and planned else None,
        "problems": list(draft.problems(launch="refused" in request.POST and not draft.base)),
        "shown": shown_prompts(config) if _has_prompts(config) and planned else None,
        "unserved": config.label if config and not serving(config.label) else "",
    }
    answer = render(request, "experiments/_new_preview.html", context)
    url = views_schedules.address(config) if config and not draft.base else ""
    return trigger_client_event(answer, "lab:coefficient", {"url": url}) if url else answer


def _has_prompts(config: AnyConfig | None) -> TypeGuard[ExperimentConfig]:
    return isinstance(config, ExperimentConfig)


def _planned(draft: AnyDraft, config: AnyConfig) -> PlanPreview | None:
    try:
        return services.experiment_preview(config=config)
    except ValidationError as error:
        draft.refuse(error)
    return None


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Answer with the page as it was typed before; nothing (204) if it was launched since.

    `?recipe=` is chosen instead of the recipe that was, where another page led here.
    """
    data = request.POST.copy()
    asked = request.GET.get("recipe", "")
    if asked in RECIPE_NAMES and asked != data.get("recipe"):
        prefill.choose_recipe(data, asked)
    return restored(request, Draft(data, fresh=True))


def restored(request: HttpRequest, draft: AnyDraft) -> HttpResponse:
    """Answer with the form of a draft; nothing (204) if it was launched since."""
    key = draft.question["launch_key"].field
    try:
        launch_key = key.clean(request.POST.get("launch_key"))
    except ValidationError:
        return HttpResponse(status=204)
    if Experiment.objects.filter(launch_key=launch_key).exists():
        return HttpResponse(status=204)
    return new_page(request, draft, template=draft.template)
