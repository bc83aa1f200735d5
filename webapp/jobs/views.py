"""Pages of the build graph: workers and queue, one job, and what a person may do to it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.requests import signed_in
from webapp.jobs import pages, services
from webapp.jobs.first_batch import first_batch
from webapp.jobs.forms import PriorityForm
from webapp.jobs.lags import lag_counts
from webapp.jobs.models import Job
from webapp.jobs.ratios import UNITS, ratio_histories
from webapp.live_views import event_stream
from webapp.messages import user_errors_as_messages
from webapp.results.figures import lag_histogram, ratio_ridge


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Show live workers, running jobs, and queued jobs in order with what each waits for."""
    template = "jobs/_queue.html" if request.GET.get("fragment") else "jobs/queue.html"
    return render(request, template, {"page": pages.queue_page()})


async def queue_events(request: HttpRequest) -> HttpResponseBase:
    """Stream the changes of every job."""
    return await event_stream(request, None)


FRAGMENTS = {"1": "jobs/_job.html", "ratios": "jobs/_ratios.html", "lags": "jobs/_lags.html"}


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job: spec, inputs, attempts, progress, ratios, log and failure."""
    page = pages.job_page(get_object_or_404(Job, pk=pk))
    template = FRAGMENTS.get(request.GET.get("fragment", ""), "jobs/detail.html")
    levels = {"level": _level(request), "levels": UNITS.items()}
    return render(request, template, {"page": page, "job": page.job, **levels})


@require_GET
def ratios(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the plot of a training's importance ratios as Plotly JSON."""
    level = _level(request)
    histories = ratio_histories(get_object_or_404(Job, pk=pk), level)
    drawn = ratio_ridge.draw(histories, unit=UNITS[level])
    return HttpResponse(drawn.to_json(), content_type="application/json")


@require_GET
def lags(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001 - all views take it
    """Return the plot of how old an online training's completions were as Plotly JSON."""
    drawn = lag_histogram.draw(lag_counts(get_object_or_404(Job, pk=pk)))
    return HttpResponse(drawn.to_json(), content_type="application/json")


def _level(request: HttpRequest) -> str:
    level = request.GET.get("level", "")
    return level if level in UNITS else "sequence"


@require_GET
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the first batch of a training, token by token."""
    job = get_object_or_404(Job, pk=pk)
    return render(request, "jobs/_first_batch.html", {"job": job, "batch": first_batch(job)})


async def events(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Stream the changes of one job."""
    return await event_stream(request, lambda: [pk])


@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the job said after the line `after`; everything else stays on the page."""
    job = get_object_or_404(Job, pk=pk)
    after = request.GET.get("after", "0")
    if not after.isdigit():
        raise Http404("after is the id of a log line")
    return render(request, "jobs/_log_lines.html", {"lines": pages.log_page(job, int(after))})


@require_POST
@user_errors_as_messages
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a job that waits or runs."""
    job = get_object_or_404(Job, pk=pk)
    services.job_cancel(job=job, user=signed_in(request))
    messages.success(request, f"Job {job.pk} was asked to stop.")
    return redirect("jobs:detail", pk=pk)


@require_POST
@user_errors_as_messages
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a failed or cancelled job again, with a new budget of attempts."""
    job = get_object_or_404(Job, pk=pk)
    services.job_retry(job=job, user=signed_in(request))
    messages.success(request, f"Job {job.pk} was queued again.")
    return redirect("jobs:detail", pk=pk)


@require_POST
@user_errors_as_messages
def recompute(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard a damaged artifact and compute it again."""
    job = get_object_or_404(Job, pk=pk)
    services.job_recompute(job=job, user=signed_in(request))
    messages.success(request, f"Job {job.pk} computes its artifact again.")
    return redirect("jobs:detail", pk=pk)


@require_POST
@user_errors_as_messages
def priority(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a job forward or back in the queue."""
    job = get_object_or_404(Job, pk=pk)
    form = PriorityForm(request.POST)
    if form.is_valid():
        number = form.cleaned_data["priority"]
        services.job_set_priority(job=job, priority=number, user=signed_in(request))
        messages.success(request, f"Job {job.pk} now has priority {number}.")
    else:
        messages.error(request, "A priority is a whole number between -100 and 100.")
    return redirect("jobs:detail", pk=pk)
