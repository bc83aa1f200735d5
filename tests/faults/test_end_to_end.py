"""The whole machinery without any fault."""

import csv
import io
from pathlib import Path
from types import SimpleNamespace

from django.test import Client

from algorithms.base import JobContext
from algorithms.jobs import run_job
from algorithms.sources import ArithmeticSource
from algorithms.specs import KINDS, DatasetSpec
from tests.faults.lab import Lab
from tests.faults.patients import Silent
from tests.webapp.experiments.factories import Bench
from tests.webapp.jobs.graphs import dataset, make_worker, policy, state
from webapp.datasets.services import dataset_from_source
from webapp.experiments.needs import jobs_of
from webapp.jobs.leases import claim, finish_success
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.jobs.store import default_store

SHORT = {"sampling": {"max_new_tokens": 3}}


def test_a_planned_job_is_computed_by_a_worker(lab: Lab) -> None:
    lab.start_worker()
    jobs = list(jobs_ensure(nodes=[dataset(), policy()], user=None).values())
    lab.wait_until_finished(*jobs)
    assert {state(job) for job in jobs} == {"succeeded"}


def compute_sources(number: int, scratch: Path) -> None:
    """Compute the datasets and the policy that everything starts from, without a worker."""
    worker = make_worker("sources")
    for _ in range(number):
        claimed = claim(worker=worker, labels=["cpu"])
        assert claimed is not None
        job = Job.objects.get(pk=claimed.job_id)
        staging = default_store().staging(job.pk, claimed.attempt)
        context = JobContext({}, staging, scratch / str(job.pk), Silent())
        summary = run_job(job.kind, KINDS[job.kind].spec.model_validate(job.spec), context)
        stored = default_store().publish(staging, job.pk, claimed.attempt)
        finish_success(job_id=job.pk, attempt=claimed.attempt, stored=stored, summary=summary)
    worker.delete()


def test_a_benchmark_and_the_policies_kept_on_the_way_are_evaluated_and_shown(
    lab: Lab, client: Client, tmp_path: Path
) -> None:
    bench = Bench()
    source = ArithmeticSource(train=2, test=6, digits=1, seed=7)
    other = dataset_from_source(
        owner=bench.user, name="Other sums", spec=DatasetSpec(source=source)
    )
    experiment = bench.launch(
        ("sft",),
        seeds=[0],
        benchmarks=[other.pk],
        evaluate_checkpoints=True,
        settings={"steps": 4, "keep_every": 2, "batch_size": 4, "micro_batch_size": 4}
        | {"evaluate_every": 0, "evaluate_problems": 2, "learning_rate": 0.01},
        evaluate={"samples": 1} | SHORT,
    )
    compute_sources(3, tmp_path)
    for _ in range(2):
        lab.start_worker()
    lab.wait_until_finished(*jobs_of(experiment), timeout_s=300)
    assert {job.state for job in jobs_of(experiment)} == {"succeeded"}, lab.situation()

    client.force_login(bench.user)
    own, further = (
        client.get("/compare/export/comparison.json", asked).json()["groups"][1]["runs"][0]
        for asked in (
            {"experiment": experiment.pk},
            {"experiment": experiment.pk, "benchmark": other.pk},
        )
    )
    assert (own["summary"]["problems"], further["summary"]["problems"]) == (4, 6)
    assert own["train_job"] == further["train_job"]
    runs = ",".join(str(run.pk) for run in experiment.runs.all())
    html = client.get(f"/compare/?runs={runs}&benchmark={other.pk}").content.decode()
    assert f'<option value="{other.pk}" selected>Other sums v1</option>' in html
    text = client.get(f"/compare/export/checkpoints.csv?runs={runs}").content.decode()
    kept = [SimpleNamespace(**row) for row in csv.DictReader(io.StringIO(text))]
    assert [(row.step, row.samples) for row in kept] == [("0", "0"), ("2", "8"), ("4", "16")]
    assert len({row.job for row in kept}) == 3
