"""Claims, leases and the fence."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from tests.webapp.jobs.graphs import (
    dataset,
    fail,
    generate,
    make_worker,
    policy,
    reload,
    state,
    succeed,
    take,
)
from webapp.jobs.failures import POLICIES, Failure, lost_worker
from webapp.jobs.leases import (
    Claim,
    LeaseLost,
    claim,
    fenced,
    finish_cancelled,
    finish_failure,
    finish_success,
    lease_status,
    renew,
    requeue,
)
from webapp.jobs.models import Artifact, Attempt, Job, MetricPoint
from webapp.jobs.services import job_cancel, job_recompute, jobs_ensure
from webapp.jobs.states import TRANSITIONS, FailureClass, JobState
from webapp.jobs.store import StoredArtifact

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job() -> Job:
    """A queued job."""
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    return job


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def take_over(job: Job) -> tuple[Claim, Claim]:
    """Return an old claim and the one that replaced it."""
    old = take()
    requeue(job_id=job.pk, attempt=old.attempt, reason="test")
    return old, take()


def test_a_claim_runs_the_job_under_a_new_attempt_with_a_lease(job: Job) -> None:
    worker = make_worker("w")
    claimed = claim(worker=worker, labels=["cpu"])
    assert claimed == Claim(job.pk, 1, "policy")
    row = reload(job)
    assert (row.state, row.attempt, row.attempts_used, row.worker) == ("running", 1, 1, worker)
    assert row.lease_expires_at is not None
    assert row.lease_expires_at > timezone.now()
    assert Attempt.objects.get(job=job).worker_name == "w"


def test_a_job_is_claimed_once_by_many_at_the_same_instant(job: Job) -> None:
    workers = [make_worker(f"w{number}") for number in range(6)]
    barrier = threading.Barrier(6)
    claims = []

    def run(number: int) -> None:
        barrier.wait(10)
        claims.append(claim(worker=workers[number], labels=["cpu"]))
        connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(claims) == 6
    assert sum(found is not None for found in claims) == 1
    assert reload(job).attempt == 1


def test_the_highest_priority_is_claimed_first_then_the_oldest() -> None:
    for seed, priority in enumerate([0, 5, 0, 9]):
        jobs_ensure(nodes=[policy(seed)], user=None, priority=priority)
    order = [Job.objects.get(pk=take().job_id).spec["source"]["seed"] for _ in range(4)]
    assert order == [3, 1, 0, 2]


def test_what_was_launched_first_goes_first_though_it_became_ready_later() -> None:
    jobs_ensure(nodes=[generate()], user=None)
    jobs_ensure(nodes=[policy(7)], user=None)
    order = []
    for _ in range(4):
        claimed = take()
        order.append(claimed.kind)
        succeed(claimed)
    assert order[2:] == ["generate", "policy"]


def test_a_worker_claims_only_its_labels_and_nothing_before_its_time(job: Job) -> None:
    worker = make_worker()
    assert claim(worker=worker, labels=["gpu"]) is None
    Job.objects.filter(pk=job.pk).update(not_before=Now() + timedelta(hours=1))
    assert claim(worker=worker, labels=["cpu", "gpu"]) is None
    Job.objects.filter(pk=job.pk).update(not_before=Now() - timedelta(seconds=1))
    assert claim(worker=worker, labels=["cpu", "gpu"]) is not None


def test_renewing_extends_the_lease_and_tells_of_a_wish_to_stop(job: Job) -> None:
    claimed = take()
    expire(job)
    assert renew(job_id=job.pk, attempt=1).held
    lease = reload(job).lease_expires_at
    assert lease is not None
    assert lease > timezone.now()
    assert not lease_status(job_id=job.pk, attempt=claimed.attempt).stop_requested
    job_cancel(job=job, user=None)
    for ask in (renew, lease_status):
        status = ask(job_id=job.pk, attempt=claimed.attempt)
        assert (status.held, status.stop_requested) == (True, True)


def _write_point(old: Claim) -> None:
    with fenced(old.job_id, old.attempt) as job:
        MetricPoint.objects.create(
            job=job, name="loss", step=0, samples=0, tokens=0, seconds=0, value=1
        )


WRITES: dict[str, Callable[[Claim], object]] = {
    "metrics": _write_point,
    "artifact and success": succeed,
    "failure": fail,
    "cancellation": lambda old: finish_cancelled(job_id=old.job_id, attempt=old.attempt),
    "requeueing": lambda old: requeue(job_id=old.job_id, attempt=old.attempt, reason=""),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_of_an_old_attempt_is_refused(job: Job, write: str) -> None:
    old, new = take_over(job)
    with pytest.raises(LeaseLost):
        WRITES[write](old)
    assert not renew(job_id=job.pk, attempt=old.attempt).held
    assert (state(job), reload(job).attempt) == (JobState.RUNNING, new.attempt)
    assert not MetricPoint.objects.exists()
    assert not Artifact.objects.exists()


@pytest.mark.parametrize("write", WRITES)
def test_every_write_after_the_end_is_refused(job: Job, write: str) -> None:
    claimed = take()
    fail(claimed)
    with pytest.raises(LeaseLost):
        WRITES[write](claimed)
    assert state(job) == JobState.FAILED


def test_recording_success_twice_after_a_lost_answer_does_nothing(job: Job) -> None:
    claimed = take()
    succeed(claimed)
    succeed(claimed)
    assert Artifact.objects.count() == 1
    assert Attempt.objects.get(job=job).outcome == "succeeded"


def test_success_queues_a_dependent_only_when_its_last_input_is_there() -> None:
    (dependent,) = [
        job for job in jobs_ensure(nodes=[generate()], user=None).values() if job.kind == "generate"
    ]
    first, second = take(), take()
    succeed(first)
    assert state(dependent) == JobState.WAITING
    succeed(second)
    assert state(dependent) == JobState.QUEUED


def test_two_inputs_that_finish_at_the_same_instant_release_their_dependent() -> None:
    for round_ in range(5):
        nodes = [generate(seed=round_)]
        for job in Job.objects.filter(state=JobState.SUCCEEDED):
            job_recompute(job=job, user=None)
        dependent = jobs_ensure(nodes=nodes, user=None)[nodes[0].fingerprint]
        claims = [take(), take()]
        barrier = threading.Barrier(2)

        def finish(claimed: Claim, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(10)
            succeed(claimed)
            connection.close()

        threads = [threading.Thread(target=finish, args=[claimed]) for claimed in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert state(dependent) == JobState.QUEUED
        job_cancel(job=dependent, user=None)


def test_a_dependent_planned_while_its_input_finishes_is_not_left_waiting() -> None:
    for round_ in range(5):
        (source,) = jobs_ensure(nodes=[policy(round_)], user=None).values()
        claimed = take()
        jobs_ensure(nodes=[dataset()], user=None)
        if Job.objects.filter(kind="dataset", state=JobState.QUEUED).exists():
            succeed(take())
        node = generate()
        node = type(node)(
            kind="generate",
            spec=node.spec,
            title="Completions",
            inputs={"policy": policy(round_), "dataset": dataset()},
        )
        barrier = threading.Barrier(2)

        def finish(claimed: Claim = claimed, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(10)
            succeed(claimed)
            connection.close()

        thread = threading.Thread(target=finish)
        thread.start()
        barrier.wait(10)
        dependent = jobs_ensure(nodes=[node], user=None)[node.fingerprint]
        thread.join(20)
        assert (state(source), state(dependent)) == ("succeeded", "queued")
        job_cancel(job=dependent, user=None)


@pytest.mark.parametrize(
    ("failure_class", "attempts"), [(each, POLICIES[each].attempts) for each in FailureClass]
)
def test_each_class_has_its_own_number_of_attempts(
    job: Job, failure_class: FailureClass, attempts: int
) -> None:
    expected = min(attempts, 3)
    for number in range(1, expected + 1):
        Job.objects.filter(pk=job.pk).update(not_before=None)
        reached = fail(take(), failure_class)
        assert reached == (JobState.FAILED if number == expected else JobState.QUEUED)
    row = reload(job)
    assert (row.failure_class, row.failure_message) == (failure_class, "It did not work.")


def test_the_wait_before_a_retry_doubles(job: Job) -> None:
    waits = []
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(not_before=None)
        fail(take(), FailureClass.STORAGE)
        not_before = reload(job).not_before
        assert not_before is not None
        waits.append((not_before - timezone.now()).total_seconds())
    assert waits == pytest.approx([60, 120], abs=5)


def test_a_failure_that_is_told_is_not_lost_by_the_retry(job: Job) -> None:
    claimed = take()
    failure = lost_worker("The process was killed.")
    finish_failure(job_id=job.pk, attempt=claimed.attempt, failure=failure)
    first = Attempt.objects.get(job=job, number=1)
    assert (first.outcome, first.failure_class) == ("queued", "lost_worker")
    assert reload(job).failure_message == "The process was killed."


def test_a_job_wanted_stopped_is_cancelled_however_it_ends(job: Job) -> None:
    claimed = take()
    job_cancel(job=job, user=None)
    assert fail(claimed, FailureClass.BUG) == JobState.CANCELLED


def test_giving_a_job_back_does_not_count_and_keeps_its_place(job: Job) -> None:
    queued_at = reload(job).queued_at
    claimed = take()
    assert requeue(job_id=job.pk, attempt=claimed.attempt, reason="stopped") == JobState.QUEUED
    row = reload(job)
    assert (row.attempts_used, row.attempt, row.queued_at) == (0, 1, queued_at)


def test_the_database_refuses_what_the_transition_table_does_not_have(job: Job) -> None:
    with pytest.raises(IntegrityError, match="cannot go from queued to succeeded"):
        Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    with pytest.raises(IntegrityError, match="cannot shrink"):
        Job.objects.filter(pk=job.pk).update(attempt=-1)


def test_the_transition_table_in_the_database_is_the_one_in_the_code() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT from_state, to_state FROM jobs_transition")
        rows = set(cursor.fetchall())
    assert rows == {(old.value, new.value) for old, new in TRANSITIONS}


def test_a_fenced_write_is_undone_with_its_transaction(job: Job) -> None:
    claimed = take()

    def write_and_break() -> None:
        with fenced(job.pk, claimed.attempt):
            _write_point(claimed)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_break()
    assert not MetricPoint.objects.exists()


def test_a_new_attempt_cannot_be_claimed_while_the_old_one_writes(job: Job) -> None:
    claimed = take()
    entered, leave, order = threading.Event(), threading.Event(), []

    def write() -> None:
        with fenced(job.pk, claimed.attempt):
            entered.set()
            leave.wait(10)
            order.append("written")
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert entered.wait(10)
    threading.Timer(0.3, leave.set).start()
    requeue(job_id=job.pk, attempt=claimed.attempt, reason="test")
    order.append("requeued")
    thread.join(10)
    assert order == ["written", "requeued"]


def test_success_without_a_lease_records_no_artifact(job: Job) -> None:
    old, _new = take_over(job)
    stored = StoredArtifact("x", 1, "0" * 64)
    with pytest.raises(LeaseLost), transaction.atomic():
        finish_success(job_id=job.pk, attempt=old.attempt, stored=stored, summary={})
    assert not Artifact.objects.exists()


def test_a_reference_is_made_for_our_bugs_only() -> None:
    assert Failure(FailureClass.USER_ERROR, "x").reference == ""
