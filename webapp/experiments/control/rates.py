"""How long planned control jobs would take, from what comparable jobs took before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.jobs.graph import Node
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

RECENT = 200
"""Earlier jobs that are looked at, the latest first."""
_KINDS = ("train_control", "train_score", "train_inverse_dynamics", "evaluate_control")
Key = tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """An estimate, and how many earlier jobs it stands on."""

    seconds: float
    jobs: int


def control_seconds(nodes: Sequence[Node]) -> Measured | None:
    """Return the seconds that jobs take one after the other; None where a kind was never measured.

    A job is compared with those of its kind, algorithm, network sizes and batch size, or of its
    correction: by the seconds per update, or per episode. One query.
    """
    rates = _rates() if nodes else {}
    told = [(node.kind, node.spec.model_dump(mode="json")) for node in nodes]
    keys = [_key(kind, spec) for kind, spec in told]
    if any(key not in rates for key in keys):
        return None
    amounts = (_units(kind, spec) for kind, spec in told)
    total = sum(
        amount * sum(rates[key]) / len(rates[key])
        for key, amount in zip(keys, amounts, strict=True)
    )
    return Measured(total, sum(len(rates[key]) for key in set(keys)))


def _rates() -> dict[Key, list[float]]:
    found: dict[Key, list[float]] = defaultdict(list)
    done = Job.objects.filter(kind__in=_KINDS, state=JobState.SUCCEEDED)
    for job in done.order_by("-finished_at")[:RECENT]:
        if job.started_at and job.finished_at:
            seconds = (job.finished_at - job.started_at).total_seconds()
            found[_key(job.kind, job.spec)].append(seconds / _units(job.kind, job.spec))
    return found


def _units(kind: str, spec: Mapping[str, Any]) -> float:
    """Return updates or episodes that a job is told to make."""
    return float(spec["episodes"] if kind == "evaluate_control" else spec["settings"]["steps"])


def _key(kind: str, spec: Mapping[str, Any]) -> Key:
    """Return what makes two jobs comparable."""
    if kind == "evaluate_control":
        steps = spec["correction_params"].get("steps", "")
        return kind, str(spec["environment"]), str(spec["correction"]), str(steps)
    params, settings = spec["params"], spec["settings"]
    sizes = [f"{name}={value}" for name, value in sorted(params.items()) if "hidden" in name]
    seeds = str(settings.get("parallel_seeds", 1))
    return kind, str(spec.get("algorithm", "")), str(settings["batch_size"]), seeds, *sizes
