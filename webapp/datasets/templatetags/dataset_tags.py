"""What templates ask of datasets."""

from django import template

from webapp.jobs.models import Artifact

register = template.Library()


@register.filter
def splits_of(artifact: Artifact | None) -> list[tuple[str, int]]:
    """Return (split, rows) of a dataset's artifact; nothing where there is none (yet)."""
    summary = artifact.summary if artifact else {}
    splits = [(name, rows) for name, rows in summary.items() if name not in {"rows", "bad_rows"}]
    return sorted(splits, key=lambda split: (split[0] != "train", split[0]))
