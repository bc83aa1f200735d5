"""The sweep mends what messages and workers left undone."""

import threading
from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from launcher.services import Services
from tests.webapp.jobs.graphs import dataset, generate, make_worker, policy, reload, state, take
from webapp.jobs.models import Attempt, Job, Worker
from webapp.jobs.services import job_cancel, jobs_ensure
from webapp.jobs.states import JobState
from webapp.jobs.sweep import SWEEP_LOCK, SweepReport, sweep
from workers.queue import MAX_DEPTH

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def broker(services: Services) -> redis.Redis:
    """An empty broker."""
    client = redis.Redis.from_url(services.broker_url)
    client.flushall()
    return client


@pytest.fixture(autouse=True)
def short_lease(settings: Settings) -> None:
    """The database of the tests has been up for longer than a lease."""
    settings.LAB_LEASE_S = 1


def running_late() -> Job:
    """Return a running job whose lease ran out."""
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    take()
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    return job


def test_an_expired_lease_goes_back_to_the_queue_and_counts() -> None:
    job = running_late()
    assert sweep().expired == 1
    assert (state(job), reload(job).attempts_used) == (JobState.QUEUED, 1)
    assert "did not renew its lease" in Attempt.objects.get(job=job).message


def test_a_lease_that_holds_is_left_alone() -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    take()
    assert sweep() == SweepReport(ran=True)
    assert state(job) == JobState.RUNNING


def test_a_lost_job_that_was_to_be_stopped_is_cancelled() -> None:
    job = running_late()
    job_cancel(job=job, user=None)
    sweep()
    assert state(job) == JobState.CANCELLED


def test_after_a_restart_of_the_database_workers_may_renew_first(
    settings: Settings,
) -> None:
    settings.LAB_LEASE_S = 10_000
    job = running_late()
    assert sweep() == SweepReport(ran=True)
    assert state(job) == JobState.RUNNING


def test_lost_workers_use_up_the_attempts() -> None:
    job = running_late()
    for _ in range(2):
        sweep()
        Job.objects.filter(pk=job.pk).update(not_before=None)
        take()
        Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    sweep()
    assert (state(job), reload(job).failure_class) == (JobState.FAILED, "lost_worker")


def test_a_waiting_job_whose_inputs_are_there_is_released() -> None:
    job = jobs_ensure(nodes=[generate()], user=None)[generate().fingerprint]
    Job.objects.exclude(pk=job.pk).update(state=JobState.RUNNING, lease_expires_at=Now())
    Job.objects.exclude(pk=job.pk).update(state=JobState.SUCCEEDED)
    assert sweep().released == 1
    assert state(job) == JobState.QUEUED


def test_what_is_queued_is_announced_again_and_not_without_end(broker: redis.Redis) -> None:
    jobs_ensure(nodes=[dataset(seed) for seed in range(MAX_DEPTH + 3)], user=None)
    broker.flushall()
    assert sweep().announced == MAX_DEPTH
    assert sweep().announced == 0
    assert broker.llen("cpu") == MAX_DEPTH
    broker.lpop("cpu")
    assert sweep().announced == 1


def test_a_retry_is_announced_when_its_time_has_come(broker: redis.Redis) -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    broker.flushall()
    Job.objects.filter(pk=job.pk).update(not_before=Now() + timedelta(hours=1))
    assert sweep().announced == 0
    Job.objects.filter(pk=job.pk).update(not_before=Now() - timedelta(seconds=1))
    assert sweep().announced == 1


def test_a_second_sweep_at_the_same_time_does_nothing() -> None:
    job = running_late()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEP_LOCK])
    reports = []

    def run() -> None:
        reports.append(sweep())
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [SWEEP_LOCK])
    assert reports == [SweepReport(ran=False)]
    assert state(job) == JobState.RUNNING


def test_many_sweeps_at_once_expire_a_lease_once() -> None:
    job = running_late()
    barrier = threading.Barrier(4)
    reports = []

    def run() -> None:
        barrier.wait(10)
        reports.append(sweep())
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(report.expired for report in reports) == 1
    assert reload(job).attempts_used == 1


def test_workers_not_heard_of_for_a_month_are_forgotten() -> None:
    old, young = make_worker("old"), make_worker("young")
    Worker.objects.filter(pk=old.pk).update(heartbeat_at=Now() - timedelta(days=31))
    sweep()
    assert list(Worker.objects.all()) == [young]
