"""A training over two processes in a worker: disturbed, cancelled, and nothing of it left."""

from dataclasses import replace

from tests.faults.lab import Lab
from tests.faults.patients import STEPS, launch, points, training
from tests.webapp.jobs.graphs import reload, state
from webapp.jobs.graph import Node
from webapp.jobs.models import Attempt, LogLine
from webapp.jobs.services import job_cancel
from webapp.jobs.states import JobState

RANK = "algorithms.jobs.train_rank"


def over_two() -> Node:
    """Return a training of some seconds by two processes."""
    node = training()
    settings = {**node.spec.settings.model_dump(), "devices": 2}  # type: ignore[attr-defined]
    spec = type(node.spec).model_validate({**node.spec.model_dump(), "settings": settings})
    return replace(node, spec=spec)


def test_a_process_that_is_killed_costs_an_attempt_and_nothing_else(ready_lab: Lab) -> None:
    ready_lab.start_worker()
    (job,) = launch(over_two())
    ready_lab.wait_until_at(job, 8, 300)
    processes = ready_lab.processes_of(job)
    ranks = {p.cmdline()[-1]: p for p in processes if RANK in p.cmdline()}
    assert sorted(ranks) == ["0", "1"]
    assert len(processes) == 3
    ranks["1"].kill()
    ready_lab.wait_until_finished(job, timeout_s=300)
    assert state(job) == JobState.SUCCEEDED
    first, second = Attempt.objects.filter(job=job).order_by("number")
    assert (first.failure_class, second.outcome) == ("lost_worker", "succeeded")
    assert "process 2 was killed by signal 9" in first.message
    assert LogLine.objects.filter(job=job, text__startswith="Resumed from the").count() == 1
    assert {step for name, step in points(job) if name == "loss"} == set(range(STEPS))
    ready_lab.await_silence(processes)


def test_a_cancelled_training_leaves_none_of_its_processes(ready_lab: Lab) -> None:
    ready_lab.start_worker()
    (job,) = launch(over_two())
    ready_lab.wait_until_at(job, 3, 300)
    processes = ready_lab.processes_of(job)
    assert len(processes) == 3
    job_cancel(job=reload(job), user=None)
    ready_lab.await_silence(processes, 30)
    ready_lab.wait_until_finished(job, timeout_s=300)
    assert state(job) == JobState.CANCELLED
