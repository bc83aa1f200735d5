"""Looking at datasets: list, one of them, its rows, downloads, deletion."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.permissions import may_change
from webapp.accounts.requests import signed_in
from webapp.datasets import content, pages, selectors, services
from webapp.datasets.families import FAMILIES
from webapp.datasets.files import file_response
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import views as transitions_views
from webapp.jobs.models import Artifact
from webapp.messages import user_errors_as_messages

PER_PAGE = 25
EXPORTS: dict[str, tuple[str, Callable[[Artifact], Iterator[bytes]]]] = {
    "jsonl": ("application/jsonl", content.as_jsonl),
    "csv": ("text/csv; charset=utf-8", content.as_csv),
    "bad.csv": (
        "text/csv; charset=utf-8",
        lambda artifact: content.bad_rows_as_csv(content.folder_of(artifact)),
    ),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List datasets, the newest first, of one family or both, with a search."""
    search = request.GET.get("q", "").strip()
    family = next((each for each in FAMILIES if each == request.GET.get("family")), None)
    found = Paginator(selectors.datasets(search=search, family=family), PER_PAGE)
    context = {"page": found.get_page(request.GET.get("page")), "search": search, "family": family}
    return render(request, "datasets/list.html", context)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one dataset: rows, statistics, where it comes from and what uses it."""
    dataset = get_object_or_404(selectors.datasets(), pk=pk)
    if request.GET.get("fragment"):
        response = render(request, "datasets/_making.html", {"dataset": dataset})
        if dataset.job.is_finished:
            response["HX-Refresh"] = "true"
        return response
    if dataset.family == "transitions":
        return transitions_views.detail(request, dataset)
    page = pages.detail_page(dataset, request.GET)
    owned = may_change(signed_in(request), dataset)
    return render(request, "datasets/detail.html", {"page": page, "dataset": dataset, "own": owned})


@require_safe
def download(
    request: HttpRequest,  # noqa: ARG001 - Django passes it
    pk: int,
    suffix: str,
) -> StreamingHttpResponse:
    """Send all rows, or the report of bad rows, as a file."""
    dataset = get_object_or_404(selectors.datasets(family="prompts"), pk=pk)
    artifact = getattr(dataset.job, "artifact", None)
    if artifact is None:
        raise Http404("This dataset has no rows yet.")
    content_type, export = EXPORTS[suffix]
    return file_response(export(artifact), content_type, f"{dataset}.{suffix}")


@require_POST
@user_errors_as_messages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a dataset that nothing uses."""
    dataset = get_object_or_404(Dataset.objects.select_related("job"), pk=pk)
    services.dataset_delete(dataset=dataset, user=signed_in(request))
    messages.success(request, f"{dataset} was deleted.")
    return redirect("datasets:list")
