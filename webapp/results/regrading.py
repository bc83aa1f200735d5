"""Grading the same completions again, with another grader or other rewards; both sets stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from algorithms.base import UserError
from algorithms.specs import GradeSpec
from webapp.accounts.models import User
from webapp.jobs.gradings import grading_line
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.results.rollout_selectors import ONLINE, RolloutSet
from webapp.results.rows import ArtifactRow
from webapp.results.selectors import artifact_row

GRADABLE = ("generate", "score", "grade", ONLINE)
"""Kinds whose completions can be graded (again)."""


@dataclass(frozen=True)
class Graded:
    """One grading of a set's completions."""

    job: Job
    line: str
    """Grader and rewards."""
    artifact: ArtifactRow | None
    """None until it is made."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Counts by grade and the mean reward; empty until it is made."""
        return {} if self.artifact is None else self.artifact.summary


def source_of(found: RolloutSet) -> int | None:
    """Return the job whose completions a set's grades are of; None where there is none."""
    if found.job.kind == "grade":
        return found.origins["rollouts"].job_id
    return found.job.pk if found.job.kind in GRADABLE else None


def gradings_of(found: RolloutSet) -> list[Graded]:
    """Return every grading of the same completions, the oldest first; 1 query."""
    source = source_of(found)
    if source is None:
        return []
    jobs = Job.objects.filter(kind="grade", inputs__role="rollouts", inputs__source=source)
    rows = jobs.select_related("artifact").order_by("pk")
    return [Graded(job, grading_line(job.spec), artifact_row(job)) for job in rows]


@transaction.atomic
def rollouts_grade(*, found: RolloutSet, spec: GradeSpec, user: User) -> Job:
    """Return the job that grades the completions of a set; one that was graded so is found.

    Raises:
        UserError: these are answers of an evaluation, or a choice of graded completions.
    """
    source = source_of(found)
    if source is None:
        raise UserError(
            f"Job {found.job.pk} ({found.job.kind}) keeps the grades of what it was made from. "
            "Grade that again, and curate or evaluate anew."
        )
    node = Node(
        kind="grade",
        spec=spec,
        title=f"Grade and reward, {spec.grading.grader} grader",
        inputs={"rollouts": Given(Job.objects.get(pk=source).fingerprint)},
        label=found.job.label,
    )
    return jobs_ensure(nodes=[node], user=user)[node.fingerprint]
