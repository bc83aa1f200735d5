"""What other pages show of policies for control."""

from typing import Any

from django import template
from django.template import Context

from webapp.jobs.models import Job
from webapp.policies.control import keeping

register = template.Library()


@register.inclusion_tag("policies/control/_keep.html", takes_context=True)
def keep_checkpoint(context: Context, job: Job, *, small: bool = False) -> dict[str, Any]:
    """Offer the last good checkpoint of a training that did not end; nothing for other jobs.

    Args:
        small: One button for a row of a table, the name as suggested.
    """
    found = keeping.last_checkpoint(job)
    if found is None:
        return {"found": None}
    return {
        "csrf_token": context.get("csrf_token"),
        "found": found,
        "job": job,
        "kept": keeping.kept_of(job, found.step),
        "name": keeping.suggested_name(job, found.step),
        "small": small,
    }
