"""Small artifacts of the control laboratory, made by the real jobs, as rows and stored folders."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithms.base import Summary
from tests.algorithms.control.worlds import run
from tests.webapp.results.made import link, make_job
from webapp.jobs.models import Artifact, Job
from webapp.jobs.store import default_store

NETWORK = {"hidden_size": 24, "hidden_layers": 2}
SHORT = {"steps": 150, "log_every": 150, "checkpoint_every": 150}
CDSA = {"noise_level": 0.36, "steps": 3, "state_gain": 0.5, "auxiliary": "displacement"}
EVALUATION: dict[str, Any] = {"episodes": 4, "keep_trajectories": 3}


@dataclass(frozen=True)
class Made:
    """One job that was run."""

    kind: str
    folder: Path
    spec: Mapping[str, Any]
    summary: Summary
    inputs: Mapping[str, str]


def make_world(root: Path) -> dict[str, Made]:
    """Run a whole chain on Risky PointMass, each job in a folder; return them by name."""
    made: dict[str, Made] = {}

    def job(name: str, kind: str, spec: Mapping[str, Any], **inputs: str) -> None:
        folders: dict[str, Any] = {role: made[of].folder for role, of in inputs.items()}
        summary = run(kind, root / name, spec, **folders)
        made[name] = Made(kind, root / name, spec, summary, inputs)

    job("data", "collect", {"amount": 40, "reference_episodes": 2})
    bc = {"algorithm": "bc", "params": {"hidden_size": 24}, "settings": {"steps": 150}}
    job("policy", "train_control", bc, transitions="data")
    job("score", "train_score", {"params": NETWORK, "settings": SHORT}, transitions="data")
    spec = {"params": NETWORK, "settings": SHORT}
    job("inverse", "train_inverse_dynamics", spec, transitions="data")
    job("beeline", "control_policy", {"source": "scripted", "controller": "beeline"})
    job("before", "evaluate_control", EVALUATION, policy="policy")
    cdsa = {**EVALUATION, "correction": "cdsa", "correction_params": CDSA}
    networks = {"score": "score", "inverse_dynamics": "inverse"}
    job("after", "evaluate_control", cdsa, policy="policy", **networks)
    job("other", "evaluate_control", {**EVALUATION, "seed": 7}, policy="policy")
    return made


def store(made: Mapping[str, Made]) -> dict[str, Job]:
    """Put them into the test's database and store."""
    rows: dict[str, Job] = {}
    for name, one in made.items():
        rows[name] = make_job(one.kind, f"{name} of PointMass", spec=one.spec)
        link(rows[name], **{role: rows[source] for role, source in one.inputs.items()})
        staging = default_store().staging(rows[name].pk, 1)
        shutil.copytree(one.folder, staging, dirs_exist_ok=True)
        stored = default_store().publish(staging, rows[name].pk, 1)
        Artifact.objects.create(
            job=rows[name],
            path=stored.path,
            size_bytes=stored.size_bytes,
            manifest_sha256=stored.manifest_sha256,
            summary=dict(one.summary),
            attempt=1,
        )
    return rows
