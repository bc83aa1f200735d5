"""Pages of policies."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from algorithms.base import UserError
from webapp.accounts.permissions import may_change
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets import uploads
from webapp.messages import user_errors_as_messages
from webapp.policies import forms, pages, runs, selectors, services
from webapp.policies.control.pages import control_page
from webapp.policies.control.views import new_control
from webapp.policies.families import FAMILIES
from webapp.policies.models import Policy
from webapp.schema_forms import SchemaForm

PER_PAGE = 25


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List policies, the newest first, of one family or both, with a search."""
    search = request.GET.get("q", "").strip()
    family = next((each for each in FAMILIES if each == request.GET.get("family")), None)
    found = Paginator(selectors.policies(search=search, family=family), PER_PAGE)
    context = {"page": found.get_page(request.GET.get("page")), "search": search, "family": family}
    return render(request, "policies/list.html", context)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one policy: source, files, lineage and evaluations."""
    policy = get_object_or_404(selectors.policies(), pk=pk)
    if request.GET.get("fragment"):
        response = render(request, "policies/_making.html", {"policy": policy})
        if policy.job.is_finished:
            response["HX-Refresh"] = "true"
        return response
    owned = may_change(signed_in(request), policy)
    if policy.family == "control":
        shown = control_page(policy)
        context = {"policy": policy, "page": shown, "own": owned}
        return render(request, "policies/control/detail.html", context)
    context = {"policy": policy, "page": pages.detail_page(policy), "own": owned}
    return render(request, "policies/detail.html", context)


@csrf_exempt  # only until the upload's limit is set: `_new` is protected
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the ways to a policy; start the job of the one that was chosen."""
    uploads.limit_uploads(request)
    return _new(request)


@csrf_protect
def _new(request: HttpRequest) -> HttpResponse:
    if request.GET.get("family") == "control":
        return new_control(request)
    data = request.POST if request.method == "POST" else None
    way = (request.POST or request.GET).get("way", "tiny")
    way = way if way in forms.SOURCES else "tiny"
    name_form, making = forms.NameForm(data), forms.MakingForm(data, warm_start=way == "tiny")
    sources = forms.source_forms(data, way)
    warms = bool(data and "warm_start" in data)
    warm = forms.warm_start_form(data if warms else None)
    if data is not None:
        policy = _make(request, name_form, making, [sources[way], *([warm] if warms else [])])
        if policy is not None:
            return redirect("policies:detail", pk=policy.pk)
    context = {"way": way, "name_form": name_form, "making": making, "sources": sources}
    context |= {"warm": warm, "main": [warm[name] for name in forms.MAIN_FIELDS]}
    context |= {"rest": [bound for bound in warm if bound.name not in forms.MAIN_FIELDS]}
    return render(request, "policies/new.html", context, status=422 if data else 200)


def _make(
    request: HttpRequest,
    name_form: forms.NameForm,
    making: forms.MakingForm,
    schemas: list[SchemaForm],
) -> Policy | None:
    """Return the policy that is being made, or None with the errors at their fields."""
    valid = [form.is_valid() for form in (name_form, making, *schemas)]
    if not all(valid):
        return None
    try:
        return services.policy_from_source(
            owner=signed_in(request),
            spec=forms.spec_of(schemas[0]),
            warm_start=forms.train_spec_of(schemas[1]) if schemas[1:] else None,
            dataset=making.cleaned_data["dataset"] if schemas[1:] else None,
            label=making.cleaned_data["label"],
            **name_form.cleaned_data,
        )
    except UserError as error:
        making.add_error(None, str(error))
    except ValidationError as error:
        add_errors(name_form, error)
    return None


@require_http_methods(["GET", "POST"])
def from_run(request: HttpRequest) -> HttpResponse:
    """Keep the checkpoint of a run under a name."""
    data = request.POST if request.method == "POST" else None
    name_form, checkpoint_form = forms.NameForm(data), forms.CheckpointForm(data)
    chosen = (request.POST or request.GET).get("run", "")
    run, _, iteration = chosen.partition("@")
    valid = [form.is_valid() for form in (name_form, checkpoint_form)]
    if data is not None and run.isdecimal() and all(valid):
        try:
            policy = services.policy_from_run(
                owner=signed_in(request),
                run=runs.run_by_id(int(run)),
                iteration=int(iteration) if iteration.isdecimal() else None,
                **name_form.cleaned_data,
                **checkpoint_form.cleaned_data,
            )
        except UserError as error:
            name_form.add_error(None, str(error))
        except ValidationError as error:
            add_errors(name_form, error)
        else:
            return redirect("policies:detail", pk=policy.pk)
    context = {"name_form": name_form, "runs": runs.trained_runs(), "chosen": chosen}
    context |= {"checkpoint_form": checkpoint_form}
    return render(request, "policies/from_run.html", context, status=422 if data else 200)


@require_POST
@user_errors_as_messages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a policy that nothing uses."""
    policy = get_object_or_404(Policy.objects.select_related("job"), pk=pk)
    services.policy_delete(policy=policy, user=signed_in(request))
    messages.success(request, f"The policy {policy} was deleted.")
    return redirect("policies:list")
