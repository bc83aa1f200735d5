"""New datasets: a file in two steps, or a source that a job reads."""

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from algorithms.base import UserError
from algorithms.data.public import PUBLIC_SETS
from algorithms.data.rows import BadRow, Row
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets import content, imports, preview, services, staging, uploads
from webapp.datasets.files import file_response
from webapp.datasets.forms import (
    SOURCES,
    UPLOAD,
    MappingForm,
    NameForm,
    UploadForm,
    source_forms,
    spec_of,
)
from webapp.datasets.models import Dataset
from webapp.datasets.transitions.views_new import new_transitions
from webapp.schema_forms import SchemaForm


@csrf_exempt  # only until the upload's limit is set: `_new` is protected
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the ways to a dataset; take the one that was chosen."""
    uploads.limit_uploads(request)
    return _new(request)


@csrf_protect
def _new(request: HttpRequest) -> HttpResponse:
    if request.GET.get("family") == "transitions":
        return new_transitions(request)
    data = request.POST if request.method == "POST" else None
    way = (request.POST or request.GET).get("way", UPLOAD)
    way = way if way in SOURCES else UPLOAD
    name_form = NameForm(data)
    upload_form = UploadForm(data, request.FILES) if data and way == UPLOAD else UploadForm()
    by_source = source_forms(data, way)
    rows: list[Row | BadRow] = []
    if data is not None and "preview" in data:
        rows = preview.first_rows(by_source["public"])
    elif data is not None:
        done = (
            _stage(request, upload_form)
            if way == UPLOAD
            else _from_source(request, name_form, way, by_source)
        )
        if done is not None:
            return done
    context = {
        "way": way,
        "name_form": NameForm(initial=data.dict()) if rows and data else name_form,
        "upload_form": upload_form,
        "sources": by_source,
        "public_sets": PUBLIC_SETS,
        "first_rows": rows,
    }
    return render(request, "datasets/new.html", context, status=422 if data and not rows else 200)


def _stage(request: HttpRequest, form: UploadForm) -> HttpResponse | None:
    """Keep the file and go on to its columns; None with the error at the field."""
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
        )
    except ValidationError as error:
        add_errors(form, error)
        return None
    return redirect("datasets:staged", token=staged.token)


def _from_source(
    request: HttpRequest, name_form: NameForm, way: str, by_source: dict[str, SchemaForm]
) -> HttpResponse | None:
    """Start the job that makes the rows; None with the errors at their fields."""
    form = by_source[way]
    if not (form.is_valid() & name_form.is_valid()):
        return None
    try:
        dataset = services.dataset_from_source(
            owner=signed_in(request), spec=spec_of(form), **name_form.cleaned_data
        )
    except ValidationError as error:
        add_errors(name_form, error)
        return None
    return redirect("datasets:detail", pk=dataset.pk)


@require_http_methods(["GET", "POST"])
def staged(request: HttpRequest, token: str) -> HttpResponse:
    """Show a staged file's columns and first rows; import it with the chosen columns."""
    file = staging.find(token=token, user=signed_in(request))
    if file.family == "transitions":
        return redirect("datasets:transitions_staged", token=token)
    try:
        seen = imports.glimpse(file.path, file.format)
    except UserError as error:
        return render(request, "datasets/unreadable.html", {"file": file, "error": error})
    data = request.POST if request.method == "POST" else None
    name_form = NameForm(data, initial={"name": file.name, "description": file.description})
    form = MappingForm(data, columns=seen.columns)
    outcome = None
    if data is not None:
        outcome = _import(request, file, name_form, form)
        if isinstance(outcome, Dataset):
            return redirect("datasets:detail", pk=outcome.pk)
    context = {"file": file, "seen": seen, "name_form": name_form, "form": form, "bad": outcome}
    return render(request, "datasets/staged.html", context, status=422 if data else 200)


def _import(
    request: HttpRequest, file: staging.StagedFile, name_form: NameForm, form: MappingForm
) -> Dataset | imports.Outcome | None:
    """Return the dataset, or what is bad about its rows, or None with errors in the forms."""
    if not (form.is_valid() & name_form.is_valid()):
        return None
    try:
        return services.dataset_import(
            owner=signed_in(request),
            staged=file,
            mapping=form.mapping(),
            skip_bad_rows=request.POST.get("bad_rows") == "skip",
            **name_form.cleaned_data,
        )
    except imports.BadRowsError as error:
        return error.outcome
    except UserError as error:
        form.add_error(None, str(error))
    except ValidationError as error:
        add_errors(name_form, error)
    return None


@require_POST
def report(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """Send every bad row of a staged file, read with the posted columns, as CSV."""
    file = staging.find(token=token, user=signed_in(request))
    form = MappingForm(request.POST, columns=imports.glimpse(file.path, file.format).columns)
    if not form.is_valid():
        return staged(request, token)
    chunks = content.bad_rows_of_file(file.path, file.format, form.mapping())
    return file_response(chunks, "text/csv; charset=utf-8", f"{file.filename}.bad-rows.csv")


@require_POST
def discard(request: HttpRequest, token: str) -> HttpResponse:
    """Throw a staged file away and start again."""
    staging.discard(staging.find(token=token, user=signed_in(request)))
    return redirect("datasets:new")
