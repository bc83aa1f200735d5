"""Reading policies for control: where they act, which stages they kept."""

import math
from collections.abc import Iterable, Mapping

from algorithms.control_specs import TrainBehaviourSpec
from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import JobState
from webapp.policies.models import Policy
from webapp.policies.selectors import policies

LEARNED = ("train_control", "keep_checkpoint")
"""Kinds whose policies learned from transitions."""


def environments_of(rows: Iterable[Policy]) -> Mapping[int, str]:
    """Return the environment of each control policy by its id, empty where unknown; 1 query.

    It is in the spec of the job, or that of the data which a training learned from.
    """
    found = {row.pk: str(row.job.spec.get("environment") or "") for row in rows}
    learned = {row.job_id: row.pk for row in rows if row.job.kind in LEARNED}
    if not learned:
        return found
    edges = JobInput.objects.filter(job__in=learned, role="transitions").values_list(
        "job_id", "source__spec__environment", "source__artifact__summary__environment"
    )
    data = {job: str(measured or told or "") for job, told, measured in edges}
    return {row.pk: found[row.pk] or data.get(row.job_id, "") for row in rows}


def behaviours(environment: str) -> list[Policy]:
    """Return the control policies that can collect in an environment, the newest first."""
    able = list(policies(family="control").exclude(job__state=JobState.FAILED))
    known = environments_of(able)
    return [policy for policy in able if known[policy.pk] == environment]


def stages_of(job: Job) -> list[str]:
    """Return the stages that a behaviour training keeps, the best trained last; else none."""
    if job.kind != "train_behaviour":
        return []
    spec = TrainBehaviourSpec.model_validate(job.spec)
    every = math.ceil(spec.steps / spec.stages)
    return [*(f"step-{step}" for step in range(every, spec.steps, every)), "final"]


def keeps_replay(job: Job) -> bool:
    """Return whether a policy's training kept the transitions that it met."""
    return job.kind == "train_behaviour" and bool(job.spec.get("keep_replay"))
