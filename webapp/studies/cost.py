"""What a study needs: amounts of work, and the time they take on this installation."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.datasets.models import Dataset
from webapp.experiments.amounts import Known, Work, work_of
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.states import JobState
from webapp.studies.control_cost import CONTROL_TIMED, alike, units_of
from webapp.studies.facts import Facts
from webapp.studies.planning import PlannedExperiment
from webapp.studies.schema import Profile

RECENT = 400
"""Earlier jobs that are looked at, the latest first."""
TIMED = ("generate", "train", "evaluate", "online")
"""Kinds of language models."""
Rates = Mapping[tuple[str, str], list[float]]
"""Seconds per unit of earlier jobs, by kind and model."""


@dataclass(frozen=True)
class Cost:
    """What a study at one scale amounts to."""

    total: Work
    remaining: Work
    jobs: int
    missing: int
    """Jobs whose artifact is not there."""
    seconds: float | None
    """Time of one worker for what is missing; None where some of it was never measured here."""
    measured_jobs: int
    """Earlier jobs that the estimate stands on."""
    unmeasured: tuple[str, ...]
    """Kinds of jobs without a measurement of this model."""


def cost_of(facts: Facts, profile: Profile) -> Cost:
    """Return amounts and time of a study; 3 queries.

    Time is measured on succeeded jobs of the same kind by the same model (whatever its seed): per
    token that may be sampled, per completion trained on. Starting a process is part of it.
    """
    parts = list(facts.plan.experiments.values())
    nodes: dict[str, tuple[Node, PlannedExperiment]] = {}
    for part in parts:
        for node in part.nodes:
            nodes.setdefault(node.fingerprint, (node, part))
    knowns = {part.key: _known(part, profile) for part in parts}
    left = [one for one in nodes.values() if facts.state_of(one[0]) != JobState.SUCCEEDED]
    rates = _measured_rates()
    seconds, used, unmeasured = 0.0, 0, []
    for node, part in left:
        if node.kind not in (*TIMED, *CONTROL_TIMED):
            continue
        amount, model = _timed(node, part, knowns[part.key])
        found = rates.get((node.kind, model), [])
        if amount is None or (amount and not found):
            unmeasured.append(node.kind)
        elif amount:
            seconds += amount * sum(found) / len(found)
            used += len(found)
    return Cost(
        total=_sum([work_of([node], knowns[part.key]) for node, part in nodes.values()]),
        remaining=_sum([work_of([node], knowns[part.key]) for node, part in left]),
        jobs=len(nodes),
        missing=len(left),
        seconds=None if unmeasured else seconds,
        measured_jobs=sum(len(found) for found in rates.values()) if used else 0,
        unmeasured=tuple(dict.fromkeys(unmeasured)),
    )


def _known(part: PlannedExperiment, profile: Profile) -> Known:
    """Return how many problems the datasets have, those to be downloaded as the study expects."""
    datasets = {}
    for name, node in part.sources.datasets.items():
        job = Job(spec=node.spec.model_dump(mode="json"))
        if name in profile.problems:
            expected = dict(profile.problems[name])
            job.artifact = Artifact(summary={"rows": sum(expected.values()), **expected})
        datasets[node.fingerprint] = Dataset(name=name, job=job)
    for node in part.nodes:  # of the jobs that make a policy with a longer history
        if node.kind == "dataset" and node.fingerprint not in datasets:
            job = Job(spec=node.spec.model_dump(mode="json"))
            datasets[node.fingerprint] = Dataset(name=node.title, job=job)
    return Known(datasets=datasets, rollouts={})


def _sum(works: list[Work]) -> Work:
    def total(name: str) -> int | None:
        values = [getattr(work, name) for work in works]
        return None if None in values else sum(values)

    return Work(
        completions=total("completions"),
        evaluation_completions=total("evaluation_completions"),
        steps=total("steps"),
        samples=total("samples"),
        tokens_at_most=total("tokens_at_most"),
        episodes=total("episodes") or 0,
    )


def _timed(node: Node, part: PlannedExperiment, known: Known) -> tuple[float | None, str]:
    """Return the units of a job, and what tells earlier jobs of the same speed."""
    if node.kind in CONTROL_TIMED:
        spec = node.spec.model_dump(mode="json")
        return units_of(node.kind, spec), alike(node.kind, spec)
    return _units(work_of([node], known), node.kind), _model_of(node, part)


def _units(work: Work, kind: str) -> int | None:
    return work.samples if kind in ("train", "online") else work.tokens_at_most


def _model_of(node: Node, part: PlannedExperiment) -> str:
    """Return the source of the model that a node starts from, without its seed, as text."""
    made = {one.fingerprint: one for one in part.nodes}
    at: Node | None = node
    while at is not None and at.kind != "policy":
        source = at.inputs.get("policy")
        if source is None:
            return ""
        at = made.get(source.fingerprint) if isinstance(source, Given) else _node(source)
    return "" if at is None else _model_text(at.spec.model_dump(mode="json"))


def _node(source: object) -> Node | None:
    """Return the node behind an input, also where it is one of several things that a job keeps."""
    if isinstance(source, Node):
        return source
    inner = getattr(source, "node", None)
    return inner if isinstance(inner, Node) else None


def _model_text(spec: Mapping[str, object]) -> str:
    source = spec.get("source")
    if not isinstance(source, Mapping):
        return ""
    return json.dumps({k: v for k, v in source.items() if k != "seed"}, sort_keys=True)


def _measured_rates() -> Rates:
    edges = dict(JobInput.objects.filter(role="policy").values_list("job_id", "source_id"))
    models = {
        pk: _model_text(spec)
        for pk, spec in Job.objects.filter(kind="policy").values_list("pk", "spec")
    }
    jobs = (
        Job.objects.filter(kind__in=(*TIMED, *CONTROL_TIMED), state=JobState.SUCCEEDED)
        .select_related("artifact")
        .order_by("-finished_at")[:RECENT]
    )
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    for job in jobs:
        amount, model = _measured(job, edges, models)
        if model is not None and amount and job.started_at and job.finished_at:
            spent = (job.finished_at - job.started_at).total_seconds()
            rates[job.kind, model].append(spent / amount)
    return rates


def _measured(
    job: Job, edges: Mapping[int, int], models: Mapping[int, str]
) -> tuple[float | None, str | None]:
    """Return the units that a finished job worked through, and what it is alike to."""
    if job.kind in CONTROL_TIMED:
        return units_of(job.kind, job.spec), alike(job.kind, job.spec)
    at = edges.get(job.pk)
    while at is not None and at not in models:
        at = edges.get(at)
    return _done(job), None if at is None else models[at]


def _done(job: Job) -> float | None:
    """Return the units that a finished job worked through."""
    try:
        summary = job.artifact.summary
    except Artifact.DoesNotExist:
        return None
    longest = job.spec.get("sampling", {}).get("max_new_tokens", 0)
    if job.kind == "generate":
        return float(summary.get("completions", 0) * longest)
    if job.kind == "evaluate":
        return float(summary.get("problems", 0) * (1 + summary.get("samples", 0)) * longest)
    return float(summary.get("samples", 0))
