"""Reading presets."""

from django.db.models import Q, QuerySet

from webapp.catalogue.models import Preset


def presets(*, search: str = "", algorithm: str = "") -> QuerySet[Preset]:
    """Return presets with their owners, by algorithm and name; one query.

    Args:
        search: words that must all occur in the name, the notes or the owner's name.
        algorithm: only presets of this algorithm; empty means all.
    """
    found = Preset.objects.select_related("owner")
    if algorithm:
        found = found.filter(algorithm=algorithm)
    for word in search.split():
        found = found.filter(
            Q(name__icontains=word) | Q(notes__icontains=word) | Q(owner__username__icontains=word)
        )
    return found.order_by("algorithm", "name")


def free_name(name: str) -> str:
    """Return the name, or "name 2", "name 3"... where presets have taken it; one query."""
    longest = Preset._meta.get_field("name").max_length or 0  # noqa: SLF001 - a public name
    name = name[: longest - 6]
    taken = set(Preset.objects.filter(name__startswith=name).values_list("name", flat=True))
    number = 2
    free = name
    while free in taken:
        free = f"{name} {number}"
        number += 1
    return free
