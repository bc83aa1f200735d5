"""Pages of experiments: the list, one experiment live, and what its owner may do."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.permissions import may_change
from webapp.accounts.requests import signed_in
from webapp.experiments import services
from webapp.experiments.detail import experiment_detail
from webapp.experiments.engine_gap import gap_warnings
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.experiments.page import ExperimentView, curve_metrics
from webapp.experiments.selectors import PAGE, experiment_page, tags_used
from webapp.jobs.events import SHOWN, events_of
from webapp.jobs.forms import PriorityForm
from webapp.jobs.states import JobState
from webapp.live_views import event_stream
from webapp.messages import user_errors_as_messages

DETAIL_FRAGMENTS = {"status": "experiments/_status.html", "work": "experiments/_work.html"}
"""Parts of the page of one experiment that are fetched again when jobs change."""


@require_GET
def experiments(request: HttpRequest) -> HttpResponse:
    """Show experiments, the newest first, by search, tag and state."""
    search, tag = request.GET.get("q", ""), request.GET.get("tag", "")
    state = request.GET.get("state", "")
    number = request.GET.get("page", "1")
    page = experiment_page(
        search=search,
        tag=tag,
        state=JobState(state) if state in JobState.values else None,
        offset=PAGE * (max(1, int(number)) - 1) if number.isdigit() else 0,
    )
    context = {
        "found": page,
        "page": Paginator(range(page.total), PAGE).get_page(number),
        "search": search,
        "tag": tag,
        "state": state,
        "states": JobState.choices,
        "tags": tags_used(),
    }
    fragment = "experiments/_list.html" if request.GET.get("fragment") else "experiments/list.html"
    return render(request, fragment, context)


async def list_events(request: HttpRequest) -> HttpResponseBase:
    """Stream the changes of every job."""
    return await event_stream(request, None)


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one experiment: graph of jobs, progress, curves, runs and failures."""
    experiment = get_object_or_404(Experiment.objects.select_related("owner"), pk=pk)
    found = experiment_detail(experiment)
    view = ExperimentView(found)
    context = {
        "view": view,
        "experiment": experiment,
        "may_change": may_change(signed_in(request), experiment),
        "metrics": curve_metrics(view),
        "warnings": gap_warnings(Q(job__in=experiment.needs.values("job"))),
        "events": events_of(Q(job__in=experiment.needs.values("job")))[:SHOWN],
    }
    template = DETAIL_FRAGMENTS.get(request.GET.get("fragment", ""), "experiments/detail.html")
    return render(request, template, context)


async def events(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Stream the changes of the experiment's jobs."""
    needs = ExperimentJob.objects.filter(experiment_id=pk)
    return await event_stream(request, lambda: set(needs.values_list("job_id", flat=True)))


@require_POST
@user_errors_as_messages
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel what only this experiment needs."""
    experiment = get_object_or_404(Experiment, pk=pk)
    report = services.experiment_cancel(experiment=experiment, user=signed_in(request))
    messages.success(request, report.sentence)
    return redirect("experiments:detail", pk=pk)


@require_POST
@user_errors_as_messages
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again what failed or was cancelled."""
    experiment = get_object_or_404(Experiment, pk=pk)
    number = services.experiment_retry_failed(experiment=experiment, user=signed_in(request))
    messages.success(request, f"Queued again: {number} {'job' if number == 1 else 'jobs'}.")
    return redirect("experiments:detail", pk=pk)


@require_POST
@user_errors_as_messages
def priority(request: HttpRequest, pk: int) -> HttpResponse:
    """Move the experiment's jobs forward or back in the queue."""
    experiment = get_object_or_404(Experiment, pk=pk)
    form = PriorityForm(request.POST)
    if form.is_valid():
        number = form.cleaned_data["priority"]
        services.experiment_set_priority(
            experiment=experiment, priority=number, user=signed_in(request)
        )
        messages.success(request, f"Its jobs now have priority {number}.")
    else:
        messages.error(request, "A priority is a whole number between -100 and 100.")
    return redirect("experiments:detail", pk=pk)


@require_POST
@user_errors_as_messages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the experiment; jobs that others need stay."""
    experiment = get_object_or_404(Experiment, pk=pk)
    services.experiment_delete(experiment=experiment, user=signed_in(request))
    messages.success(request, f"“{experiment.name}” was deleted.")
    return redirect("experiments:list")
