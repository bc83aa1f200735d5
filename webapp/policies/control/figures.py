"""Plots of a policy for control."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from webapp.policies import selectors
from webapp.policies.control.pages import stages
from webapp.results.figures import stage_returns


@require_safe
def stages_figure(
    request: HttpRequest,  # noqa: ARG001 - Django passes it
    pk: int,
) -> HttpResponse:
    """Return the returns of a behaviour policy's stages as a plot."""
    policy = get_object_or_404(selectors.policies(family="control"), pk=pk)
    found = stages(policy.job)
    drawn = stage_returns.draw([(each.step, each.return_mean, each.name) for each in found])
    return HttpResponse(drawn.to_json(), content_type="application/json")
