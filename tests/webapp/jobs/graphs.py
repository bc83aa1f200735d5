"""Small build graphs, and workers that run them by hand."""

from django.utils import timezone

from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, GenerateSpec, GradeSpec, PolicySpec
from webapp.jobs.failures import Failure
from webapp.jobs.graph import Node
from webapp.jobs.leases import Claim, claim, finish_failure, finish_success
from webapp.jobs.models import Job, Worker
from webapp.jobs.states import FailureClass, JobState
from webapp.jobs.store import StoredArtifact


def dataset(seed: int = 0) -> Node:
    spec = DatasetSpec(source=ArithmeticSource(train=8, test=4, digits=1, seed=seed))
    return Node(kind="dataset", spec=spec, title="Addition")


def policy(seed: int = 0) -> Node:
    spec = PolicySpec(source=TinyLlama(hidden_size=16, layers=1, heads=2, seed=seed))
    return Node(kind="policy", spec=spec, title="Tiny Llama")


def generate(seed: int = 0) -> Node:
    return Node(
        kind="generate",
        spec=GenerateSpec(seed=seed),
        title="Completions",
        inputs={"policy": policy(), "dataset": dataset()},
    )


def grade(seed: int = 0) -> Node:
    return Node(kind="grade", spec=GradeSpec(), title="Grades", inputs={"rollouts": generate(seed)})


def make_worker(name: str = "worker", labels: tuple[str, ...] = ("cpu",)) -> Worker:
    return Worker.objects.create(
        name=name, labels=list(labels), hostname="host", pid=1, heartbeat_at=timezone.now()
    )


def take(worker: Worker | None = None) -> Claim:
    """Claim the next job; there must be one."""
    claimed = claim(worker=worker or make_worker(), labels=["cpu"])
    assert claimed is not None
    return claimed


def succeed(claimed: Claim) -> None:
    """End a claimed job with an artifact of which only the row exists."""
    stored = StoredArtifact(f"{claimed.job_id}-{claimed.attempt}", 1, "0" * 64)
    finish_success(job_id=claimed.job_id, attempt=claimed.attempt, stored=stored, summary={})


def fail(claimed: Claim, failure_class: FailureClass = FailureClass.USER_ERROR) -> JobState:
    return finish_failure(
        job_id=claimed.job_id,
        attempt=claimed.attempt,
        failure=Failure(failure_class, "It did not work."),
    )


def run_all() -> list[str]:
    """Run everything that can be claimed; return the kinds in order."""
    worker = make_worker("runs all")
    kinds = []
    while claimed := claim(worker=worker, labels=["cpu"]):
        succeed(claimed)
        kinds.append(claimed.kind)
    return kinds


def reload(job: Job) -> Job:
    """Return the row as it is now."""
    return Job.objects.get(pk=job.pk)


def state(job: Job) -> JobState:
    return JobState(reload(job).state)
