"""Reading datasets: lists, versions, uses."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from webapp.datasets.families import Family, of_family
from webapp.datasets.models import Dataset
from webapp.jobs.models import Job


def datasets(*, search: str = "", family: Family | None = None) -> QuerySet[Dataset]:
    """Return datasets with owner, job and artifact, the newest first; one query.

    Args:
        search: words that must all occur in the name, the description, the origin or the
            owner's name.
        family: prompts or transitions; None takes both.
    """
    found = Dataset.objects.select_related("owner", "job", "job__artifact")
    if family is not None:
        found = found.filter(of_family(family))
    for word in search.split():
        found = found.filter(
            Q(name__icontains=word)
            | Q(description__icontains=word)
            | Q(origin__icontains=word)
            | Q(owner__username__icontains=word)
        )
    return found.order_by("-created_at", "-id")


def versions(dataset: Dataset) -> QuerySet[Dataset]:
    """Return all versions of a dataset's name, the newest first."""
    return datasets().filter(name=dataset.name).order_by("-version")


@dataclass(frozen=True)
class Use:
    """Something that was made from a dataset."""

    kind: str
    """experiment or policy."""
    pk: int
    name: str


def uses(dataset: Dataset) -> list[Use]:
    """Return the experiments that name it and the policies trained on it; two queries."""
    named = Q()
    for field in ("dataset_id", "eval_dataset_id"):
        named |= Q(**{f"experiment__config__{field}": dataset.pk})
        named |= Q(**{f"experiment__config__axes__{field}__contains": [dataset.pk]})
    named |= Q(experiment__config__benchmarks__contains=[dataset.pk])
    experiments = (
        dataset.job.needed_by.filter(named)
        .values_list("experiment_id", "experiment__name")
        .distinct()
        .order_by("experiment_id")
    )
    policies = (
        Job.objects.filter(inputs__source=dataset.job_id, policies__isnull=False)
        .values_list("policies__id", "policies__name")
        .distinct()
        .order_by("policies__id")
    )
    return [
        *(Use("experiment", pk, name) for pk, name in experiments),
        *(Use("policy", pk, name) for pk, name in policies),
    ]
