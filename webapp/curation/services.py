"""Making and deleting curated sets."""

from django.core.exceptions import ValidationError
from django.db import transaction

from algorithms.base import UserError
from algorithms.curation.steps import CurateSpec
from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.curation import content
from webapp.curation.models import CuratedSet
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure


def curation_preview(*, source: Job, spec: CurateSpec) -> content.Preview:
    """Return the composition before and after the steps; nothing is stored.

    Raises:
        StepError: a step asks for more than there is, or leaves nothing.
        UserError: the completions cannot be read.
    """
    return content.preview(source, spec)


@transaction.atomic
def curated_set_create(*, owner: User, name: str, source: Job, spec: CurateSpec) -> CuratedSet:
    """Return a named set that is being curated; the same choice made before is not made again.

    Args:
        source: a finished job with graded completions.

    Raises:
        ValidationError: the name is taken or empty, or there are no steps.
        StepError: a step asks for more than there is, or leaves nothing.
        UserError: the completions cannot be read.
    """
    if not spec.steps:
        raise ValidationError({"steps": "Add a step: without one, this would be the same set."})
    row = CuratedSet(owner=owner, name=" ".join(name.split()))
    row.full_clean(exclude=["job"])
    content.preview(source, spec)
    node = Node(
        kind="curate",
        spec=spec,
        title=row.name[:200],
        inputs={"rollouts": Given(source.fingerprint)},
        label=source.label,
    )
    row.job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    row.save()
    return row


@transaction.atomic
def curated_set_delete(*, curated_set: CuratedSet, user: User) -> None:
    """Delete the name of a set; its artifact stays while an experiment needs it.

    Raises:
        PermissionDenied: it belongs to someone else.
        UserError: its job has not ended.
    """
    require_owner(user, curated_set)
    if not curated_set.job.is_finished:
        raise UserError(f"“{curated_set}” is being made: cancel job {curated_set.job_id} first.")
    curated_set.delete()
