"""How completions were judged, in a line: sets of one origin differ in nothing else."""

from collections.abc import Collection, Mapping
from typing import Any

from algorithms.asking import Rewards
from webapp.jobs.models import Job, JobInput

READS_ROLLOUTS = "rollouts"


def grading_line(spec: Mapping[str, Any]) -> str:
    """Return grader and rewards of a job's spec, whichever version wrote it; empty without."""
    grading, rewards = dict(spec.get("grading", {})), dict(spec.get("rewards", {}))
    form = rewards.pop("format", 0)
    if not grading:
        return ""
    # In the order of the schema: the database keeps none.
    named = [name for name in Rewards.model_fields if name in rewards]
    worth = [f"{name} {rewards[name]:+g}".replace("-", "−") for name in named]
    if form:
        worth.append(f"format ±{form:g}")
    name = f"{grading.get('grader', 'unknown')} grader"
    return f"{name}: {', '.join(worth)}" if worth else name


def gradings(job_ids: Collection[int]) -> dict[int, str]:
    """Return how the completions of jobs were judged, those of ungraded ones left out.

    Scored and curated sets have the grades of what they were made of. 2 queries, 2 more for each
    time that a set was made of another one.
    """
    found: dict[int, str] = {}
    asked = {job_id: [job_id] for job_id in job_ids}
    while asked:
        specs = dict(Job.objects.filter(pk__in=asked, kind="grade").values_list("pk", "spec"))
        for job_id, spec in specs.items():
            found |= dict.fromkeys(asked.pop(job_id), grading_line(spec))
        edges = JobInput.objects.filter(job__in=asked, role=READS_ROLLOUTS)
        above: dict[int, list[int]] = {}
        for job_id, source_id in edges.values_list("job_id", "source_id"):
            above.setdefault(source_id, []).extend(asked[job_id])
        asked = above
    return found
