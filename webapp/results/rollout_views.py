"""The rollout browser: sets of completions, one set, one prompt, files."""

import plotly.graph_objects as go
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from algorithms.base import UserError
from webapp.accounts.requests import signed_in
from webapp.experiments.engine_gap import GAP_WARNING_NATS
from webapp.jobs.gradings import grading_line, gradings
from webapp.jobs.models import Job
from webapp.messages import user_errors_as_messages
from webapp.results import rollout_pages
from webapp.results.composition import composition
from webapp.results.figures import lengths_by_grade, logprob_gap, positives_per_prompt
from webapp.results.logprob_gap import histogram, rollouts_score
from webapp.results.regrading import gradings_of, source_of
from webapp.results.rollout_exports import WRITERS, in_threads
from webapp.results.rollout_file import RowFilter, key_of, matching, open_index
from webapp.results.rollout_forms import FilterForm, filter_query
from webapp.results.rollout_selectors import (
    EVALUATION_KINDS,
    ONLINE,
    ROLLOUT_KINDS,
    RolloutSet,
    authorship,
    rollout_set,
    rollout_sets,
)

SETS_PER_PAGE = 25


@require_safe
def rollouts(request: HttpRequest) -> HttpResponse:
    """List the sets of completions: rollouts to learn from, or answers of evaluations."""
    of_evaluations = request.GET.get("kind") == "evaluations"
    kinds = EVALUATION_KINDS if of_evaluations else (*ROLLOUT_KINDS, ONLINE)
    search = request.GET.get("q", "")
    page = Paginator(rollout_sets(kinds, search), SETS_PER_PAGE).get_page(request.GET.get("page"))
    shown = [artifact.job_id for artifact in page]
    by_job, judged = authorship(shown), {} if of_evaluations else gradings(shown)
    context = {
        "page": page,
        "sets": [(one, by_job.get(one.job_id), judged.get(one.job_id, "")) for one in page],
        "of_evaluations": of_evaluations,
        "search": search,
    }
    return render(request, "results/rollouts.html", context)


@require_safe
def show_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a set's composition and a page of its completions, filtered."""
    found = set_or_404(pk)
    form = FilterForm(request.GET)
    after, before = _row(request, "after"), _row(request, "before")
    context = {"set": found, "form": form, "filter": filter_query(request.GET)}
    context["warn_at"] = GAP_WARNING_NATS
    context["is_course"] = found.job.kind == ONLINE
    context |= _graded(found)
    try:
        context["card"] = composition(key_of(found.artifact))
        context["rows"] = rollout_pages.rows_page(
            found.artifact, form.row_filter(), after=after, before=before
        )
    except UserError as error:
        context["problem"] = str(error)
    return render(request, "results/rollout_set.html", context)


@require_safe
def show_prompt(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Show one prompt with all its completions, token by token."""
    found = set_or_404(pk)
    context = {"set": found, "filter": filter_query(request.GET)}
    try:
        asked = FilterForm(request.GET).row_filter()
        context["page"] = rollout_pages.prompt_page(found, number, asked)
    except UserError as error:
        context["problem"] = str(error)
    else:
        if context["page"] is None:
            raise Http404(f"set {pk} has no prompt {number}")
    context["is_filtered"] = asked != RowFilter()
    return render(request, "results/rollout_prompt.html", context)


@require_safe
def set_figure(request: HttpRequest, pk: int, name: str) -> HttpResponse:  # noqa: ARG001 - a view
    """Return a plot of the composition as Plotly JSON."""
    found = set_or_404(pk)
    key = key_of(found.artifact)
    drawn: go.Figure
    if name == "positives":
        drawn = positives_per_prompt.draw(composition(key).positives_per_prompt)
    elif name == "gap" and found.measured is not None:
        gap = histogram(found.measured)
        drawn = logprob_gap.draw(gap.edges, gap.counts, warn_at=GAP_WARNING_NATS)
    elif name == "lengths":
        drawn = lengths_by_grade.draw(rollout_pages.lengths_by_grade(key))
    else:
        raise Http404(f"there is no plot {name}")
    return HttpResponse(drawn.to_json(), content_type="application/json")


@require_safe
def export_set(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """Return the filtered completions as a file."""
    found = set_or_404(pk)
    if suffix not in WRITERS:
        raise Http404(f"there is no export {suffix}")
    content_type, write = WRITERS[suffix]
    try:
        rows = matching(key_of(found.artifact), FilterForm(request.GET).row_filter())
        chunks = write(open_index(found.artifact), rows)
    except UserError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(in_threads(chunks), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="rollouts-{pk}.{suffix}"'
    return response


@require_POST
@user_errors_as_messages
def score_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute the set's log-probabilities again, by the code that trains."""
    job = rollouts_score(found=set_or_404(pk), user=signed_in(request))
    return redirect("jobs:detail", pk=job.pk)


def _graded(found: RolloutSet) -> dict[str, object]:
    """Return what a set's page says of its grades; an evaluation's are told by its spec."""
    if found.is_evaluation:
        return {"grading": grading_line(found.job.spec)}
    same = gradings_of(found)
    return {
        "grading": gradings([found.job.pk]).get(found.job.pk) or grading_line(found.job.spec),
        "gradings": same,
        "several_gradings": any(one.job.pk != found.job.pk for one in same),
        "gradable": source_of(found) is not None,
    }


def set_or_404(pk: int) -> RolloutSet:
    """Return a set of completions, or the answer that there is none."""
    try:
        return rollout_set(pk)
    except Job.DoesNotExist:
        raise Http404(f"job {pk} has no completions to show") from None


def _row(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
