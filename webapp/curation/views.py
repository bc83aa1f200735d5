"""The curation page: steps on a set, a live preview, and saving what they keep under a name."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from algorithms.base import UserError
from algorithms.curation.pipeline import StepError
from webapp.accounts.requests import signed_in
from webapp.curation import pages, selectors, services
from webapp.curation.content import source_job
from webapp.curation.drafts import next_key, row_of
from webapp.curation.models import CuratedSet
from webapp.jobs.models import Job
from webapp.messages import user_errors_as_messages
from webapp.results.figures import curated_positives


@require_http_methods(["GET", "POST"])
def curate(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page as its address has it; to htmx, the preview of what is typed; save a post."""
    source = _source_or_404(pk)
    if request.method == "POST":
        return _save(request, source)
    page = pages.open_page(source, request.GET)
    if not request.htmx:  # type: ignore[attr-defined]  # django_htmx adds it to the request
        return _page(request, page)
    answer = render(request, "curation/_preview.html", {"page": page})
    address = f"{reverse('curation:figure', args=[pk])}?{request.GET.urlencode()}"
    return trigger_client_event(answer, "lab:coefficient", {"url": address})


def _page(request: HttpRequest, page: pages.Page, *, status: int = 200) -> HttpResponse:
    context = {
        "page": page,
        "source": page.source,
        "sets": selectors.curated_sets(source=page.source),
        "query": request.GET.urlencode(),
    }
    return render(request, "curation/curate.html", context, status=status)


def _save(request: HttpRequest, source: Job) -> HttpResponse:
    page = pages.open_page(source, request.POST)
    spec = page.spec if page.preview is not None else None
    if page.name.is_valid() and spec is not None:
        try:
            made = services.curated_set_create(
                owner=signed_in(request), source=source, spec=spec, **page.name.cleaned_data
            )
        except ValidationError as error:
            pages.place(page, error)
        except StepError as error:
            page.steps.refuse(error)
        except UserError as error:
            page.problem = str(error)
        else:
            messages.success(
                request,
                f"Job {made.job_id} makes “{made}”. Once it has succeeded, the set is among the "
                "rollouts, and New experiment offers it.",
            )
            return redirect("jobs:detail", pk=made.job_id)
    return _page(request, page, status=422)


@require_safe
def step(request: HttpRequest, prefix: str) -> HttpResponse:
    """Answer with one more step of the kind that is chosen, with its defaults."""
    op = request.GET.get(f"{prefix}-add", "")
    added = row_of(None, prefix, next_key(request.GET, prefix), op=op)
    if added is None:
        raise Http404(f"there is no step {op}")
    return render(request, "curation/_step.html", {"row": added})


@require_safe
def figure(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the positives per prompt before and after, as Plotly's JSON."""
    page = pages.open_page(_source_or_404(pk), request.GET)
    if page.before is None:
        return HttpResponse(page.problem, status=409, content_type="text/plain; charset=utf-8")
    after = page.preview.after.positives_per_prompt if page.preview else None
    drawn = curated_positives.draw(page.before.positives_per_prompt, after)
    return HttpResponse(drawn.to_json(), content_type="application/json")


@require_POST
@user_errors_as_messages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the name of a curated set."""
    found = get_object_or_404(CuratedSet.objects.select_related("job"), pk=pk)
    services.curated_set_delete(curated_set=found, user=signed_in(request))
    messages.success(request, f"The curated set “{found}” was deleted.")
    return redirect("results:rollouts")


def _source_or_404(pk: int) -> Job:
    try:
        return source_job(pk)
    except Job.DoesNotExist:
        raise Http404(f"job {pk} has no graded completions") from None
