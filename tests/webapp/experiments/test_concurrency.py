"""Two people at the same instant, on real transactions."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connection, transaction

from tests.webapp.experiments.factories import Bench, make_user
from tests.webapp.jobs import graphs
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.experiments.needs import jobs_of
from webapp.experiments.pruning import artifacts_prune
from webapp.experiments.services import experiment_cancel, experiment_delete, experiment_launch
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Return the results of calls that start together, each on its own connection."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_two_experiments_launched_at_once_share_every_job(bench: Bench) -> None:
    first, second = at_once(
        lambda: bench.launch(title="First"), lambda: bench.launch(title="Second")
    )
    shared = [
        set(ExperimentJob.objects.filter(experiment=one).values_list("job_id", flat=True))
        for one in (first, second)
    ]
    assert shared[0] == shared[1]
    assert Job.objects.count() == len(shared[0]) == 13


def test_a_double_click_launches_once(bench: Bench) -> None:
    key, config = uuid4(), bench.config()
    made = at_once(
        *[lambda: experiment_launch(owner=bench.user, name="x", config=config, launch_key=key)] * 4
    )
    assert len({experiment.pk for experiment in made}) == 1
    assert Experiment.objects.get().runs.count() == 5


def _cancelled(experiment: Experiment, bench: Bench) -> Experiment:
    experiment_cancel(experiment=experiment, user=bench.user)
    return experiment


def test_a_launch_at_the_moment_of_a_cancellation_gets_its_jobs(bench: Bench) -> None:
    for round_ in range(3):
        first = bench.launch(title=f"First {round_}", seeds=[round_])
        _, second = at_once(
            partial(_cancelled, first, bench),
            partial(bench.launch, title=f"Second {round_}", seeds=[round_]),
        )
        assert not jobs_of(second).filter(state=JobState.CANCELLED).exists()
        assert not jobs_of(second).filter(stop_requested_at__isnull=False).exists()
    graphs.run_all()
    assert not jobs_of(second).exclude(state=JobState.SUCCEEDED).exists()


def test_pruning_during_a_launch_deletes_nothing_that_it_counts_on(bench: Bench) -> None:
    first = bench.launch()
    graphs.run_all()
    experiment_delete(experiment=first, user=bench.user)
    root = make_user("root", is_staff=True)
    launched = Event()

    def launch() -> int:
        with transaction.atomic():
            bench.launch(title="Second")
            launched.set()
            time.sleep(0.5)
        return 0

    def prune() -> int:
        launched.wait(timeout=30)
        return artifacts_prune(user=root).jobs

    assert at_once(launch, prune) == [0, 0]
    assert Experiment.objects.get().needs.count() == 13
