"""Reading policies."""

from django.db.models import Q, QuerySet

from webapp.policies.families import Family, of_family
from webapp.policies.models import Policy


def policies(*, search: str = "", family: Family | None = None) -> QuerySet[Policy]:
    """Return policies with owner, job and artifact, the newest first; one query.

    Args:
        search: words that must all occur in the name, the description or the owner's name.
        family: language or control; None takes both.
    """
    found = Policy.objects.select_related("owner", "job", "job__artifact")
    if family is not None:
        found = found.filter(of_family(family))
    for word in search.split():
        found = found.filter(
            Q(name__icontains=word)
            | Q(description__icontains=word)
            | Q(owner__username__icontains=word)
        )
    return found.order_by("-created_at", "-id")
