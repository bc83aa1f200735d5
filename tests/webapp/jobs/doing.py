"""A worker of tests that runs small jobs for real, in the test's own process and store."""

import tempfile
from pathlib import Path

from algorithms.base import UserError
from algorithms.specs import KINDS
from tests.algorithms.control.worlds import run
from tests.webapp.jobs.graphs import make_worker
from webapp.jobs.failures import Failure
from webapp.jobs.leases import Claim, claim, finish_failure, finish_success
from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import FailureClass
from webapp.jobs.store import default_store


def do_all() -> list[str]:
    """Run every job that can be claimed; return the kinds in order, failures with a mark."""
    worker = make_worker("does all")
    kinds = []
    while claimed := claim(worker=worker, labels=["cpu"]):
        kinds.append(claimed.kind if _do(claimed) else f"{claimed.kind} failed")
    worker.delete()
    return kinds


def _do(claimed: Claim) -> bool:
    store, job = default_store(), Job.objects.get(pk=claimed.job_id)
    edges = JobInput.objects.filter(job=claimed.job_id).select_related("source__artifact", "job")
    inputs = {edge.role: store.folder(edge.source.artifact.path) for edge in edges}
    staging = store.staging(claimed.job_id, claimed.attempt)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out"
        try:
            spec = KINDS[claimed.kind].spec.model_validate(job.spec)
            summary = run(claimed.kind, output, spec, reporter=None, **inputs)
        except UserError as error:
            finish_failure(
                job_id=claimed.job_id,
                attempt=claimed.attempt,
                failure=Failure(FailureClass.USER_ERROR, str(error)),
            )
            return False
        for path in output.iterdir():
            path.rename(staging / path.name)
    stored = store.publish(staging, claimed.job_id, claimed.attempt)
    finish_success(
        job_id=claimed.job_id, attempt=claimed.attempt, stored=stored, summary=dict(summary)
    )
    return True
