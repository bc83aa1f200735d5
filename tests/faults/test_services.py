"""Broker and database emptied, restarted, away; messages lost and doubled; two clocks."""

import time

import redis
from django.db import connection

from launcher.services import Services
from tests.faults.lab import Lab
from tests.faults.patients import launch, policy, training
from tests.faults.test_killed import assert_as_if_undisturbed, outcomes
from tests.webapp.jobs.graphs import dataset, reload, state
from webapp.jobs.models import Attempt, Worker
from webapp.jobs.selectors import why_waiting
from webapp.jobs.states import JobState
from workers.queue import enqueue_job


def test_an_emptied_and_restarted_broker_loses_nothing(ready_lab: Lab, services: Services) -> None:
    worker = ready_lab.start_worker()
    running, queued = launch(training(), policy(hidden_size=32))
    ready_lab.wait_until_at(running, 4)
    redis.Redis.from_url(services.broker_url).flushall()
    services.restart_broker()
    assert_as_if_undisturbed(ready_lab, running)
    ready_lab.wait_until_finished(queued)
    assert outcomes(running) == [(1, "succeeded", "")]
    redis.Redis.from_url(services.broker_url).flushall()
    (later,) = launch(dataset(seed=7))
    ready_lab.wait_until_finished(later)
    assert state(later) == JobState.SUCCEEDED
    assert worker.poll() is None


def test_a_database_restart_costs_neither_the_attempt_nor_a_point(
    ready_lab: Lab, services: Services
) -> None:
    worker = ready_lab.start_worker()
    (job,) = launch(training())
    ready_lab.wait_until_at(job, 4)
    connection.close()
    services.postgres.stop()
    time.sleep(2)
    services.restart_postgres()
    assert_as_if_undisturbed(ready_lab, job)
    assert outcomes(job) == [(1, "succeeded", "")]
    assert worker.poll() is None


def test_the_same_message_twice_starts_the_job_once(ready_lab: Lab) -> None:
    (job,) = launch(training(sleep_s=0))
    for _ in range(5):
        assert enqueue_job(job.pk, "cpu")
    ready_lab.start_worker()
    ready_lab.start_worker()
    ready_lab.wait_until_finished(job)
    for _ in range(3):
        enqueue_job(job.pk, "cpu")
    time.sleep(2)
    assert outcomes(job) == [(1, "succeeded", "")]
    assert state(job) == JobState.SUCCEEDED


def test_a_broker_that_is_down_delays_a_launch_by_seconds_only(
    ready_lab: Lab, services: Services
) -> None:
    assert services.broker.child is not None
    services.broker.child.stop()
    started = time.monotonic()
    jobs = launch(*(dataset(seed=seed) for seed in range(2)))
    assert time.monotonic() - started < 5
    assert {state(job) for job in jobs} == {JobState.QUEUED}
    services.restart_broker()
    ready_lab.start_worker()
    ready_lab.wait_until_finished(*jobs)


def test_celerys_clock_alone_finds_jobs_that_no_message_announced(
    ready_lab: Lab, services: Services
) -> None:
    ready_lab.environment["LAB_SWEEP_S"] = "1"
    ready_lab.start_worker()
    live = Worker.objects.filter(labels=["cpu"])
    ready_lab.wait_for(live.exists, sweeping=False)
    (job,) = launch(dataset(seed=3))
    redis.Redis.from_url(services.broker_url).flushall()
    for number in (1, 2):
        ready_lab.start_worker("housekeeping", "-B", "-n", f"housekeeping-{number}@%h")
    ready_lab.wait_for(lambda: state(job) == JobState.SUCCEEDED, sweeping=False)
    assert Attempt.objects.filter(job=job).count() == 1


def test_a_job_that_no_live_worker_serves_says_so(lab: Lab) -> None:
    (job,) = launch(dataset())
    assert "No live worker serves the label “cpu”" in why_waiting(reload(job))
