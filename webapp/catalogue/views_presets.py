"""Presets: a person's own named settings of an algorithm."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from algorithms.base import UserError
from webapp.accounts.permissions import may_change
from webapp.accounts.requests import signed_in
from webapp.catalogue import formulas, selectors, services
from webapp.catalogue.forms import PresetForm, params_form, stored_params
from webapp.catalogue.models import Preset
from webapp.catalogue.views import Card, answer_live, card, state_of
from webapp.messages import user_errors_as_messages
from webapp.schema_forms import SchemaForm


def _page(
    request: HttpRequest,
    shown: Card,
    *,
    form: SchemaForm,
    preset_form: PresetForm,
    preset: Preset | None,
) -> HttpResponse:
    context = {
        "card": shown,
        "form": form,
        "preset_form": preset_form,
        "preset": preset,
        "may_save": preset is None or may_change(signed_in(request), preset),
        "settings": formulas.settings_of(shown.algorithm.params),
        **state_of(shown, form),
    }
    status = 422 if form.errors or preset_form.errors else 200
    return render(request, "catalogue/preset.html", context, status=status)


@require_POST
def create(request: HttpRequest, name: str) -> HttpResponse:
    """Save the posted hyperparameters under a name."""
    shown = card(name)
    form, preset_form = params_form(name, request.POST), PresetForm(request.POST)
    preset = _saved(request, form, preset_form, name=name)
    if preset is None:
        return _page(request, shown, form=form, preset_form=preset_form, preset=None)
    messages.success(request, f"The preset {preset.name} was saved.")
    return redirect("catalogue:preset", pk=preset.pk)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a preset, as stored or with the address's hyperparameters; save what is posted."""
    preset = get_object_or_404(Preset.objects.select_related("owner"), pk=pk)
    shown = card(preset.algorithm)
    if request.method == "POST":
        form, preset_form = params_form(shown.name, request.POST), PresetForm(request.POST)
        if _saved(request, form, preset_form, name=shown.name, preset=preset) is None:
            return _page(request, shown, form=form, preset_form=preset_form, preset=preset)
        messages.success(request, "The preset was saved.")
        return redirect("catalogue:preset", pk=pk)
    form = stored_params(shown.name, request.GET, preset.params)
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx adds it to the request
        return answer_live(request, shown, form)
    preset_form = PresetForm(initial={"name": preset.name, "notes": preset.notes})
    return _page(request, shown, form=form, preset_form=preset_form, preset=preset)


def _saved(
    request: HttpRequest,
    form: SchemaForm,
    preset_form: PresetForm,
    *,
    name: str,
    preset: Preset | None = None,
) -> Preset | None:
    """Save and return the preset, or put what is wrong into the forms and return None."""
    if not (form.is_valid() & preset_form.is_valid()):
        return None
    values = {
        "name": preset_form.cleaned_data["name"],
        "notes": preset_form.cleaned_data["notes"],
        "params": form.cleaned_schema().model_dump(mode="json"),
    }
    user = signed_in(request)
    try:
        if preset is None:
            return services.preset_create(owner=user, algorithm=name, **values)
        return services.preset_update(preset=preset, user=user, **values)
    except ValidationError as error:
        preset_form.add_error(None, error)
    except UserError as error:
        preset_form.add_error(None, str(error))
    return None


@require_POST
@user_errors_as_messages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a preset; experiments that took it keep their own copy of the values."""
    preset = get_object_or_404(Preset, pk=pk)
    services.preset_delete(preset=preset, user=signed_in(request))
    messages.success(request, f"The preset {preset.name} was deleted.")
    return redirect("catalogue:algorithm", name=preset.algorithm)


@require_POST
@user_errors_as_messages
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an own copy of anybody's preset, and open it."""
    preset = get_object_or_404(Preset, pk=pk)
    copy = services.preset_create(
        owner=signed_in(request),
        name=selectors.free_name(f"{preset.name} copy"),
        algorithm=preset.algorithm,
        params=preset.params,
        notes=preset.notes,
    )
    messages.success(request, f"This is your copy of {preset.name}.")
    return redirect("catalogue:preset", pk=copy.pk)
