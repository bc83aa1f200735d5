"""Runners and workers that are killed or stopped, one by one and together."""

import signal
import time
from contextlib import suppress

import psutil

from tests.faults.lab import Lab
from tests.faults.patients import STEPS, launch, points, training, undisturbed, weights
from tests.webapp.jobs.graphs import reload, state
from webapp.jobs.models import Attempt, Job, LogLine
from webapp.jobs.states import JobState
from workers.housekeeping import end_orphans


def outcomes(job: Job) -> list[tuple[int, str, str]]:
    """Return number, outcome and class of every attempt."""
    rows = Attempt.objects.filter(job=job).order_by("number")
    return list(rows.values_list("number", "outcome", "failure_class"))


def assert_as_if_undisturbed(lab: Lab, job: Job) -> None:
    """The disturbed training ended with the same bits, no point lost, none doubled."""
    lab.wait_until_finished(job)
    assert state(job) == JobState.SUCCEEDED
    assert (weights(job), points(job)) == undisturbed(lab)
    assert {step for name, step in points(job) if name == "loss"} == set(range(STEPS))


def test_a_killed_runner_resumes_and_ends_with_the_same_bits(ready_lab: Lab) -> None:
    worker = ready_lab.start_worker()
    (job,) = launch(training())
    ready_lab.wait_until_at(job, 8)
    ready_lab.runner_of(job).kill()
    assert_as_if_undisturbed(ready_lab, job)
    assert outcomes(job) == [(1, "queued", "lost_worker"), (2, "succeeded", "")]
    assert LogLine.objects.filter(job=job, text__startswith="Resumed from the").count() == 1
    assert worker.poll() is None


def test_a_killed_worker_takes_its_job_along_and_another_worker_resumes_it(ready_lab: Lab) -> None:
    worker = ready_lab.start_worker()
    (job,) = launch(training(fault="deaf"))
    ready_lab.wait_until_at(job, 8)
    assert len(ready_lab.processes_of(job)) == 3
    worker.kill()
    ready_lab.wait_for(lambda: not ready_lab.processes_of(job), 5, sweeping=False)
    assert state(job) == JobState.RUNNING
    ready_lab.start_worker()
    assert_as_if_undisturbed(ready_lab, job)
    assert outcomes(job)[0] == (1, "queued", "lost_worker")


def test_worker_runner_and_guard_killed_at_once_leave_nothing_for_long(ready_lab: Lab) -> None:
    worker = ready_lab.start_worker()
    (job,) = launch(training(fault="deaf"))
    ready_lab.wait_until_at(job, 8)
    for process in [*psutil.Process(worker.pid).children(), ready_lab.runner_of(job)]:
        process.kill()
    worker.kill()
    ready_lab.wait_for(lambda: len(ready_lab.processes_of(job)) == 2)
    ready_lab.wait_for(lambda: state(job) == JobState.QUEUED)
    assert end_orphans() == 1
    assert ready_lab.processes_of(job) == []


def test_a_runner_that_hangs_is_killed_and_tried_again(ready_lab: Lab) -> None:
    ready_lab.environment["LAB_HANG_S"] = "4"
    ready_lab.start_worker()
    (job,) = launch(training())
    ready_lab.wait_until_at(job, 8)
    ready_lab.runner_of(job).send_signal(signal.SIGSTOP)
    assert_as_if_undisturbed(ready_lab, job)
    first = Attempt.objects.get(job=job, number=1)
    assert "gave no sign of life for 4 s" in first.message


def test_a_worker_that_sleeps_loses_its_job_and_writes_nothing_when_it_wakes(
    ready_lab: Lab,
) -> None:
    sleeper = ready_lab.start_worker()
    (job,) = launch(training())
    ready_lab.wait_until_at(job, 5)
    old_runner = ready_lab.runner_of(job)
    sleeper.send_signal(signal.SIGSTOP)
    old_runner.send_signal(signal.SIGSTOP)
    ready_lab.wait_for(lambda: state(job) == JobState.QUEUED)
    ready_lab.start_worker()
    ready_lab.wait_for(lambda: reload(job).attempt == 2)
    # The other worker has ended it already, if it looked for orphans before it took the job.
    with suppress(psutil.NoSuchProcess):
        old_runner.send_signal(signal.SIGCONT)
    sleeper.send_signal(signal.SIGCONT)
    ready_lab.await_silence([old_runner], timeout_s=30)
    assert_as_if_undisturbed(ready_lab, job)
    assert [number for number, *_ in outcomes(job)] == [1, 2]
    assert sleeper.poll() is None


def test_a_worker_asked_to_end_gives_its_job_back_uncounted(ready_lab: Lab) -> None:
    worker = ready_lab.start_worker()
    (job,) = launch(training())
    ready_lab.wait_until_at(job, 8)
    worker.terminate()
    assert worker.wait(30) == 0
    assert (state(job), reload(job).attempts_used) == (JobState.QUEUED, 0)
    ready_lab.start_worker()
    assert_as_if_undisturbed(ready_lab, job)
    resumed = LogLine.objects.get(job=job, text__startswith="Resumed from the").text
    assert int(resumed.rstrip(".").split()[-1]) >= 8


def test_attempts_are_capped(ready_lab: Lab) -> None:
    ready_lab.start_worker()
    (job,) = launch(training(sleep_s=0.3))
    for attempt in (1, 2, 3):
        ready_lab.wait_for(
            lambda n=attempt: (
                reload(job).attempt == n
                and bool(  # type: ignore[misc]
                    ready_lab.processes_of(job)
                )
            )
        )
        ready_lab.runner_of(job).kill()
        time.sleep(0.5)
    ready_lab.wait_until_finished(job)
    assert state(job) == JobState.FAILED
    assert reload(job).failure_class == "lost_worker"
    assert "signal 9" in reload(job).failure_message
    assert len(outcomes(job)) == 3
