"""What the page of a policy for control shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithms.environments.table import ENVIRONMENTS, Reference
from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Artifact, Job, JobInput, MetricPoint
from webapp.jobs.states import FailureClass
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.policies.control.selectors import environments_of, stages_of
from webapp.policies.models import Policy
from webapp.policies.pages import Use, uses

Fact = tuple[str, object]
SHOWN = 30
"""Evaluations on the page, the newest."""
KINDS: Mapping[str, str] = {
    "learned": "learned from transitions",
    "plain": "perceptron",
    "scripted": "scripted controller",
    "torchscript": "TorchScript",
    "onnx": "ONNX",
    "entry_point": "Python function",
}


@dataclass(frozen=True)
class Stage:
    """One policy that a behaviour training kept."""

    name: str
    step: int
    return_mean: float


@dataclass(frozen=True)
class ControlPage:
    """One policy for control."""

    artifact: Artifact | None
    environment: str
    environment_title: str
    spaces: Sequence[Fact]
    origin: Sequence[Fact]
    stages: Sequence[Stage]
    planned_stages: Sequence[str]
    keeps_replay: bool
    reference: Reference | None
    """By which returns are normalised; D4RL's or that of the data."""
    evaluations: Sequence[Job]
    collected: Sequence[Job]
    inputs: Sequence[JobInput]
    uses: Sequence[Use]
    damage: str
    advice: str


def control_page(policy: Policy) -> ControlPage:
    """Return what the page shows."""
    artifact: Artifact | None = getattr(policy.job, "artifact", None)
    record, damage = _json(artifact, "policy.json")
    environment = str(record.get("environment") or environments_of([policy])[policy.pk])
    known = ENVIRONMENTS.get(environment)
    failure = policy.job.failure_class
    stored = record.get("reference")
    return ControlPage(
        artifact=artifact,
        environment=environment,
        environment_title=known.title if known else environment,
        spaces=_spaces(record),
        origin=_origin(policy.job, record),
        stages=stages(policy.job),
        planned_stages=stages_of(policy.job),
        keeps_replay=bool(policy.job.spec.get("keep_replay")),
        reference=Reference(stored["random"], stored["expert"], stored["source"])
        if stored
        else None,
        evaluations=_read_by(policy, "evaluate_control"),
        collected=_read_by(policy, "collect"),
        inputs=list(policy.job.inputs.select_related("source").order_by("role")),
        uses=uses(policy),
        damage=damage,
        advice=POLICIES[FailureClass(failure)].advice if failure else "",
    )


def stages(job: Job) -> list[Stage]:
    """Return the stages measured so far, in their order; they come while the job runs."""
    if job.kind != "train_behaviour":
        return []
    history, _ = _json(getattr(job, "artifact", None), "history.json")
    if history:
        return [
            Stage(each["stage"], each["step"], each["return_mean"]) for each in history["stages"]
        ]
    points = MetricPoint.objects.filter(job=job, name="behaviour_return").order_by("step")
    values = dict(points.values_list("step", "value"))
    last = int(job.spec.get("steps", 0))
    return [
        Stage("final" if step >= last else f"step-{step}", step, value)
        for step, value in values.items()
    ]


def _read_by(policy: Policy, kind: str) -> list[Job]:
    found = Job.objects.filter(kind=kind, inputs__source=policy.job_id)
    return list(found.select_related("artifact").distinct().order_by("-pk")[:SHOWN])


def _json(artifact: Artifact | None, name: str) -> tuple[dict[str, Any], str]:
    """Return one of a policy's files, and what is wrong with it."""
    if artifact is None:
        return {}, ""
    try:
        path: Path = default_store().folder(artifact.path) / name
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ArtifactDamaged, OSError, ValueError) as error:
        return {}, f"The stored policy cannot be read: {error}."
    return record, ""


def _spaces(record: Mapping[str, Any]) -> list[Fact]:
    scaling: Mapping[str, Any] = record.get("scaling") or record
    facts: list[Fact] = []
    if "observation_size" in record:
        facts.append(("Observation dimensions", record["observation_size"]))
    if "action_size" in record:
        facts.append(("Action dimensions", record["action_size"]))
    if scaling.get("low") and scaling.get("high"):
        low, high = (sorted(set(scaling[name])) for name in ("low", "high"))
        facts.append(("Actions from", ", ".join(f"{value:g}" for value in low)))
        facts.append(("to", ", ".join(f"{value:g}" for value in high)))
    return facts


def _origin(job: Job, record: Mapping[str, Any]) -> list[Fact]:
    """Return who made it, in words."""
    facts: list[Fact] = []
    if record:
        facts.append(("Kind", KINDS.get(str(record.get("kind")), record.get("kind"))))
    spec: Mapping[str, Any] = job.spec
    match job.kind:
        case "train_behaviour":
            facts += [
                ("Trained by", str(spec["algorithm"]).upper()),
                ("Environment steps", f"{spec['steps']:,}"),
                ("Learning rate", spec["learning_rate"]),
                ("Seed", spec["seed"]),
                ("Replay kept", "yes" if spec.get("keep_replay") else "no"),
            ]
        case "train_control":
            facts += [("Trained by", spec["algorithm"]), ("Seed", spec["seed"])]
            facts += [("Updates", f"{spec['settings']['steps']:,}")]
        case "keep_checkpoint":
            facts += [("Trained by", spec["algorithm"]), ("Seed", spec["seed"])]
            planned = spec["settings"]["steps"]
            facts += [("Updates", f"{spec['step']:,} of {planned:,}; the training did not end")]
        case _:
            facts += _taken_in(spec, record)
    return facts


def _taken_in(spec: Mapping[str, Any], record: Mapping[str, Any]) -> list[Fact]:
    facts: list[Fact] = [("Source", str(spec["source"]).replace("_", " "))]
    if spec["source"] == "scripted":
        facts.append(("Controller", str(spec["controller"]).replace("_", " ")))
    if spec.get("path"):
        facts.append(("Path", spec["path"]))
    if spec.get("entry_point"):
        facts.append(("Function", spec["entry_point"]))
        facts.append(("Source's SHA-256", f"{str(record.get('source_sha256', ''))[:12]}…"))
    if moments := record.get("normalisation"):
        facts.append(("Observations", f"normalised, clipped at {moments['clip']:g}"))
    return facts
