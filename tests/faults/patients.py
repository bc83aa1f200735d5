"""Trainings to be disturbed, and the inputs they need."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from algorithms.base import JobContext, Reporter
from algorithms.jobs import run_job
from algorithms.settings import LLMSettings
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, PolicySpec, TrainSpec
from tests.faults.lab import Lab
from tests.webapp.jobs.graphs import make_worker
from webapp.jobs.graph import Node
from webapp.jobs.leases import claim, finish_success
from webapp.jobs.models import Artifact, Job, MetricPoint
from webapp.jobs.services import jobs_ensure
from webapp.jobs.store import default_store

STEPS = 24
CHECKPOINT_EVERY = 6


def dataset() -> Node:
    spec = DatasetSpec(source=ArithmeticSource(train=32, test=8, digits=1))
    return Node(kind="dataset", spec=spec, title="Addition")


def policy(hidden_size: int = 16) -> Node:
    source = TinyLlama(hidden_size=hidden_size, layers=1, heads=2, intermediate_size=32)
    return Node(kind="policy", spec=PolicySpec(source=source), title="Tiny Llama")


def training(seed: int = 0, *, steps: int = STEPS, **params: Any) -> Node:
    """Return a training of a few seconds with the faulty algorithm."""
    complete = {"fault": "none", "at": 3, "sleep_s": 0.1} | params
    spec = TrainSpec(
        algorithm="faulty",
        params=complete,
        seed=seed,
        settings=LLMSettings(
            steps=steps,
            batch_size=8,
            micro_batch_size=8,
            evaluate_every=12,
            evaluate_problems=4,
            checkpoint_every=CHECKPOINT_EVERY,
        ),
    )
    return Node(
        kind="train",
        spec=spec,
        title=f"Faulty training, seed {seed}",
        inputs={"policy": policy(), "dataset": dataset(), "eval_dataset": dataset()},
    )


class Silent(Reporter):
    """A reporter nobody listens to."""

    def log(self, *_: object, **__: object) -> None:
        """Not kept."""

    progress = message = event = log

    def should_stop(self) -> bool:
        return False


COMPUTED: dict[str, Path] = {}
"""Artifacts of inputs by fingerprint, computed once per test run."""


def give_inputs(folder: Path) -> None:
    """Make the inputs of `training` succeed, without a worker.

    Args:
        folder: Outlives the test; where they are computed the first time.
    """
    worker = make_worker("inputs")
    for node in (dataset(), policy()):
        (job,) = jobs_ensure(nodes=[node], user=None).values()
        claimed = claim(worker=worker, labels=["cpu"])
        assert claimed is not None
        assert claimed.job_id == job.pk
        if node.fingerprint not in COMPUTED:
            output = folder / node.kind
            output.mkdir()
            run_job(node.kind, node.spec, JobContext({}, output, folder, Silent()))
            COMPUTED[node.fingerprint] = output
        staging = default_store().staging(job.pk, claimed.attempt)
        shutil.copytree(COMPUTED[node.fingerprint], staging, dirs_exist_ok=True)
        stored = default_store().publish(staging, job.pk, claimed.attempt)
        finish_success(job_id=job.pk, attempt=claimed.attempt, stored=stored, summary={})
    worker.delete()


def launch(*nodes: Node) -> list[Job]:
    """Return the jobs of these nodes, queued."""
    jobs = jobs_ensure(nodes=nodes, user=None)
    return [jobs[node.fingerprint] for node in nodes]


def folder_of(job: Job) -> Path:
    """Return where the artifact of a job is."""
    return default_store().folder(Artifact.objects.get(job=job).path)


def weights(job: Job) -> str:
    """Return the hash of the weights that a training ended with."""
    return hashlib.sha256((folder_of(job) / "model.safetensors").read_bytes()).hexdigest()


MEASURED = {"tokens_per_s"}
"""Metrics that differ from run to run."""


def points(job: Job) -> dict[tuple[str, int], float]:
    """Return the values that every run of this training must give, by metric and step."""
    rows = MetricPoint.objects.filter(job=job).exclude(name__in=MEASURED)
    found = {(row.name, row.step): row.value for row in rows}
    assert len(found) == rows.count()
    return found


UNDISTURBED: list[tuple[str, dict[tuple[str, int], float]]] = []


def undisturbed(lab: Lab) -> tuple[str, dict[tuple[str, int], float]]:
    """Return weights and points of `training()` when nothing happens to it; needs a worker."""
    if not UNDISTURBED:
        (twin,) = launch(training(sleep_s=0.0))
        lab.wait_until_finished(twin)
        UNDISTURBED.append((weights(twin), points(twin)))
    return UNDISTURBED[0]
