"""What templates ask of datasets."""

from collections.abc import Sequence

from django import template

from webapp.jobs.models import Artifact

register = template.Library()


@register.filter
def times(amount: float, factor: float) -> float:
    """Return the product."""
    return amount * factor


@register.filter
def numbers(values: Sequence[float], most: int) -> str:
    """Return the first numbers of a vector, and how many more there are."""
    shown = "  ".join(f"{value:.4g}" for value in values[:most])
    return shown if len(values) <= most else f"{shown}  and {len(values) - most} more"


@register.filter
def splits_of(artifact: Artifact | None) -> list[tuple[str, int]]:
    """Return (split, rows) of a dataset's artifact; nothing where there is none (yet)."""
    summary = artifact.summary if artifact else {}
    splits = [(name, rows) for name, rows in summary.items() if name not in {"rows", "bad_rows"}]
    return sorted(splits, key=lambda split: (split[0] != "train", split[0]))
