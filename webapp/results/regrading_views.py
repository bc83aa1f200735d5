"""The page on which a set of completions is graded again."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from algorithms.base import UserError
from algorithms.specs import GradeSpec
from webapp.accounts.requests import signed_in
from webapp.results.regrading import gradings_of, rollouts_grade, source_of
from webapp.results.rollout_views import set_or_404
from webapp.schema_forms import schema_form


@require_http_methods(["GET", "POST"])
def grade_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Show grader and rewards as they were, or queue a grading with others."""
    found = set_or_404(pk)
    data = request.POST if request.method == "POST" else None
    told = found.job.spec if found.job.kind == "grade" else {}
    form = schema_form(GradeSpec, prefix="grade", initial=told)(data)
    if form.is_valid():
        spec = form.cleaned_schema()
        assert isinstance(spec, GradeSpec)
        try:
            job = rollouts_grade(found=found, spec=spec, user=signed_in(request))
        except UserError as error:
            form.add_error(None, str(error))
        else:
            return redirect("jobs:detail", pk=job.pk)
    context = {
        "set": found,
        "form": form,
        "gradings": gradings_of(found),
        "gradable": source_of(found) is not None,
    }
    return render(request, "results/grade.html", context, status=422 if data else 200)
