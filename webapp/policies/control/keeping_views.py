"""Keeping the last good checkpoint of a training as a policy."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from webapp.accounts.requests import signed_in
from webapp.jobs.models import Job
from webapp.messages import user_errors_as_messages
from webapp.policies.control.keeping import policy_from_checkpoint


@require_POST
@user_errors_as_messages
def from_checkpoint(request: HttpRequest, job_id: int) -> HttpResponse:
    """Make a policy of what a training that failed or was cancelled had last."""
    job = get_object_or_404(Job, pk=job_id)
    name = request.POST.get("name", "")
    policy = policy_from_checkpoint(owner=signed_in(request), name=name, job=job)
    return redirect("policies:detail", pk=policy.pk)
