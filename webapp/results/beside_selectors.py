"""Reads which sets of completions can stand beside another one."""

from dataclasses import dataclass

from django.db.models import Q

from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import JobState
from webapp.policies.families import of_family
from webapp.policies.models import Policy
from webapp.results.rollout_selectors import EVALUATION_KINDS, ROLLOUT_KINDS, RolloutSet, authorship

MOST = 60
"""Sets offered at once, the newest first."""


@dataclass(frozen=True)
class Offer:
    """A set that may share prompts with another one."""

    job: Job
    policy: str
    """Who wrote it, or whose log-probabilities it holds."""
    same_completions: bool
    """Whether it holds the very same completions, with other log-probabilities."""


def offers(found: RolloutSet) -> list[Offer]:
    """Return finished sets of the same kind that asked the same dataset.

    The number of queries does not grow with that of the sets. A graded set is not offered its own
    completions before they were graded.
    """
    own = {found.job.pk, *_family(found)}
    dataset = found.origins.get("dataset")
    kinds = EVALUATION_KINDS if found.is_evaluation else ROLLOUT_KINDS
    asked = Q(inputs__role="rollouts", inputs__source__in=own)
    if dataset is not None:
        asked |= Q(inputs__role="dataset", inputs__source=dataset.job_id)
        asked |= Q(
            inputs__role="rollouts",
            inputs__source__inputs__role="dataset",
            inputs__source__inputs__source=dataset.job_id,
        )
    jobs = list(
        Job.objects.filter(asked, kind__in=kinds, state=JobState.SUCCEEDED)
        .exclude(pk__in=own if found.job.kind == "grade" else [found.job.pk])
        .distinct()
        .defer("spec", "failure_detail")
        .order_by("-pk")[:MOST]
    )
    names = authorship([job.pk for job in jobs])
    scored = _scored_by(jobs)
    return [
        Offer(
            job,
            scored.get(job.pk) or (names[job.pk].policy if job.pk in names else ""),
            same_completions=job.pk in scored,
        )
        for job in jobs
    ]


@dataclass(frozen=True)
class Scorer:
    """A policy that a set can be scored by."""

    fingerprint: str
    """Of its job, with the step behind it where a training kept the policy on its way."""
    name: str


def scorers(found: RolloutSet) -> list[Scorer]:
    """Return finished policies and the trainings that learned from the set; 2 queries."""
    if found.is_evaluation:
        return []
    read = {found.job.pk, *_family(found)}
    able = Policy.objects.filter(of_family("language"), job__state=JobState.SUCCEEDED)
    given = able.select_related("job")
    named = [Scorer(policy.fingerprint, policy.name) for policy in given.order_by("name")[:MOST]]
    known = {one.fingerprint for one in named}
    trained = Job.objects.filter(
        kind="train",
        state=JobState.SUCCEEDED,
        inputs__role="rollouts",
        inputs__source__in=read,
    ).order_by("-pk")[:MOST]
    own = [Scorer(job.fingerprint, job.title) for job in trained if job.fingerprint not in known]
    return [*named, *own]


def _family(found: RolloutSet) -> set[int]:
    """Return the job whose completions a set holds, if it only added to them."""
    above = found.origins.get("rollouts")
    return {above.job_id} if above is not None else set()


def _scored_by(jobs: list[Job]) -> dict[int, str]:
    """Return whose log-probabilities the `score` jobs among these hold; 1 query."""
    scores = [job.pk for job in jobs if job.kind == "score"]
    rows = JobInput.objects.filter(job__in=scores, role="policy").select_related("source")
    return {row.job_id: row.source.title for row in rows}
