"""New transitions: an upload in two steps, a path, a Minari data set."""

from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from algorithms.base import UserError
from algorithms.control_specs import TransitionsSettings, TransitionsSpec
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets import selectors, staging, uploads
from webapp.datasets.forms import NameForm, UploadForm
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import services
from webapp.datasets.transitions.forms import UPLOAD, WAYS, settings_form, source_forms, spec_of
from webapp.datasets.transitions.looking import Look, look
from webapp.schema_forms import SchemaForm


def upload_form(request: HttpRequest | None = None) -> UploadForm:
    """Return the form of an uploaded file; bound to a request's."""
    form = UploadForm(request.POST, request.FILES) if request else UploadForm()
    field = form.fields["file"]
    field.widget.attrs["accept"] = ",".join(staging.TRANSITIONS_SUFFIXES)
    limit = field.help_text.partition("at most ")[2].partition(".")[0]
    field.help_text = (
        f"D4RL's HDF5, the main_data.hdf5 of a Minari data set, or NPZ with D4RL's names; at most "
        f"{limit}. You say what they are on the next page, before anything is imported."
    )
    return form


def new_transitions(request: HttpRequest) -> HttpResponse:
    """Show the ways to transitions; take the one that was chosen."""
    data = request.POST if request.method == "POST" else None
    way = (request.POST or request.GET).get("way", UPLOAD)
    way = way if way in WAYS else UPLOAD
    name_form = NameForm(data)
    file_form = upload_form(request if data is not None and way == UPLOAD else None)
    sources = source_forms(data, way)
    settings = settings_form(data if way != UPLOAD else None)
    if data is not None:
        done = (
            _stage(request, file_form)
            if way == UPLOAD
            else _from_source(request, name_form, sources[way], settings)
        )
        if done is not None:
            return done
    context = {
        "way": way,
        "name_form": name_form,
        "upload_form": file_form,
        "sources": sources,
        "settings": settings,
    }
    return render(request, "datasets/transitions/new.html", context, status=422 if data else 200)


def _stage(request: HttpRequest, form: UploadForm) -> HttpResponse | None:
    """Keep the file and go on to its settings; None with the error at the field."""
    try:
        if uploads.was_too_large(request):
            form.errors.pop("file", None)
            raise staging.too_large()
        if not form.is_valid():
            return None
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        staged = staging.stage(
            owner=signed_in(request),
            filename=file.name or "",
            chunks=file.chunks(),
            name=request.POST.get("name", "").strip()[:120],
            description=request.POST.get("description", "").strip(),
            family="transitions",
        )
    except ValidationError as error:
        add_errors(form, error)
        return None
    address = reverse("datasets:transitions_staged", args=[staged.token])
    told = {name: request.POST.get(name, "") for name in TransitionsSettings.model_fields}
    return redirect(f"{address}?{urlencode(told)}" if any(told.values()) else address)


def _from_source(
    request: HttpRequest, name_form: NameForm, source: SchemaForm, settings: SchemaForm
) -> HttpResponse | None:
    """Start the job that reads the transitions; None with the errors at their fields."""
    if not (source.is_valid() & settings.is_valid() & name_form.is_valid()):
        return None
    try:
        dataset = services.transitions_from_source(
            owner=signed_in(request), spec=spec_of(settings, source), **name_form.cleaned_data
        )
    except ValidationError as error:
        add_errors(name_form, error)
        return None
    return redirect("datasets:detail", pk=dataset.pk)


@require_http_methods(["GET", "POST"])
def staged(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a staged file holds; import it by the settings that are typed."""
    file = staging.find(token=token, user=signed_in(request))
    data = request.POST if request.method == "POST" else None
    name_form = NameForm(data, initial={"name": file.name, "description": file.description})
    spec = _told_before(request.GET)
    settings = settings_form(data, spec)
    if data is not None and settings.is_valid():
        spec = spec_of(settings, None)
    seen = look(file.path, spec)
    if data is not None:
        dataset = _import(request, file, name_form, settings, seen)
        if dataset is not None:
            return redirect("datasets:detail", pk=dataset.pk)
    context = {"file": file, "seen": seen, "name_form": name_form, "form": settings}
    status = 422 if data and "look" not in data else 200
    return render(request, "datasets/transitions/staged.html", context, status=status)


def _told_before(query: QueryDict) -> TransitionsSpec:
    """Return what was typed on the page of the upload; nothing where it cannot be read."""
    typed = settings_form(query)
    return spec_of(typed, None) if typed.is_valid() else TransitionsSpec()


def _import(  # noqa: PLR0917 - one form each, and what was seen
    request: HttpRequest,
    file: staging.StagedFile,
    name_form: NameForm,
    settings: SchemaForm,
    seen: Look,
) -> Dataset | None:
    """Return the data set, or None with the errors at their fields."""
    valid = settings.is_valid() & name_form.is_valid()
    if seen.error and not settings.errors:
        settings.add_error(seen.error_field or None, seen.error)
    if not valid or settings.errors or "look" in request.POST:
        return None
    try:
        return services.transitions_import(
            owner=signed_in(request),
            staged=file,
            spec=spec_of(settings, None),
            **name_form.cleaned_data,
        )
    except UserError as error:
        settings.add_error(None, str(error))
    except ValidationError as error:
        add_errors(name_form, error)
    return None


@require_http_methods(["GET", "POST"])
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the same file or source once more, by other settings, as the next version."""
    dataset = get_object_or_404(
        selectors.datasets(family="transitions").filter(job__kind="transitions"), pk=pk
    )
    data = request.POST if request.method == "POST" else None
    told = TransitionsSpec.model_validate(dataset.job.spec)
    settings = settings_form(data, told)
    if data is not None and settings.is_valid():
        spec = spec_of(settings, None).model_copy(update={"source": told.source})
        try:
            made = services.transitions_again(dataset=dataset, user=signed_in(request), spec=spec)
        except ValidationError as error:
            add_errors(settings, error)
        else:
            return redirect("datasets:detail", pk=made.pk)
    context = {"dataset": dataset, "form": settings}
    return render(request, "datasets/transitions/again.html", context, status=422 if data else 200)
