"""What pages are told of the queue."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.webapp.jobs.graphs import (
    dataset,
    fail,
    generate,
    grade,
    make_worker,
    policy,
    reload,
    succeed,
    take,
)
from webapp.jobs.models import Job, LogLine, MetricPoint, Worker
from webapp.jobs.selectors import (
    job_eta_s,
    log_lines,
    metric_points,
    queue,
    why_waiting,
    workers_live,
)
from webapp.jobs.services import job_cancel, jobs_ensure
from webapp.jobs.states import FailureClass, JobState

pytestmark = pytest.mark.django_db


def ensure_grade() -> dict[str, Job]:
    return {job.kind: job for job in jobs_ensure(nodes=[grade()], user=None).values()}


def why(job: Job) -> str:
    """Return the answer of both ways to ask, which must agree."""
    one, many = why_waiting(reload(job)), queue().why(reload(job))
    assert one == many
    return one


def test_a_waiting_job_names_what_it_waits_for() -> None:
    make_worker()
    jobs = ensure_grade()
    names = sorted((jobs["policy"], jobs["dataset"]), key=lambda job: job.pk)
    expected = " and ".join(f"job {job.pk} ({job.kind})" for job in names)
    assert why(jobs["generate"]) == f"Waits for {expected}."
    assert why(jobs["grade"]) == f"Waits for job {jobs['generate'].pk} (generate)."


def test_a_job_whose_input_failed_or_was_cancelled_says_so() -> None:
    jobs = ensure_grade()
    job_cancel(job=jobs["policy"], user=None)
    assert "was cancelled: retry it" in why(jobs["generate"])
    fail(take())
    assert f"job {jobs['dataset'].pk} (dataset), failed: retry it" in why(jobs["generate"])


def test_a_label_that_no_live_worker_serves_is_named() -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    Job.objects.update(label="gpu")
    make_worker(labels=("cpu",))
    assert "No live worker serves the label “gpu”" in why(job)
    worker = make_worker(labels=("cpu", "gpu"))
    assert why(job) == "Starts in a moment."
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=Now() - timedelta(minutes=5))
    assert "No live worker" in why(job)
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=Now(), stopped_at=Now())
    assert "No live worker" in why(job)


def test_a_queued_job_counts_those_ahead() -> None:
    worker = make_worker()
    jobs_ensure(nodes=[policy(seed) for seed in range(4)], user=None)
    take(worker)
    rows = queue().queued
    assert [why(job) for job in rows] == [
        "Next in line: every worker of its label is busy.",
        "1 job is ahead of it.",
        "2 jobs are ahead of it.",
    ]
    Job.objects.filter(pk=rows[2].pk).update(priority=3)
    assert why(rows[2]) == "Next in line: every worker of its label is busy."


def test_a_job_that_is_tried_again_later_says_when_and_why() -> None:
    make_worker()
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    fail(take(), FailureClass.STORAGE)
    assert why(job).startswith("Tries again in ")
    assert why(job).endswith("s. It did not work.")


@pytest.mark.parametrize("end", [succeed, fail])
def test_a_job_that_runs_or_has_ended_waits_for_nothing(end: Callable[..., object]) -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    claimed = take()
    assert why(job) == ""
    end(claimed)
    assert why(job) == ""


def test_the_queue_is_read_in_a_fixed_number_of_queries() -> None:
    counts = []
    for size in (1, 6):
        nodes = [generate(seed) for seed in range(size)] + [policy(9), dataset(size)]
        jobs_ensure(nodes=nodes, user=None)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            found = queue()
            for job in (*found.queued, *found.waiting, *found.running):
                found.why(job)
        counts.append(len(captured))
    assert counts == [6, 6]


def test_workers_that_only_keep_house_are_not_listed() -> None:
    make_worker("housekeeping", labels=())
    make_worker("works")
    assert [worker.name for worker in workers_live()] == ["works"]


def test_the_time_left_follows_from_rate_and_age_of_the_last_word() -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    assert job_eta_s(reload(job)) is None
    take()
    Job.objects.filter(pk=job.pk).update(
        progress_done=40,
        progress_total=100,
        progress_rate=2.0,
        progress_at=timezone.now() - timedelta(seconds=10),
    )
    assert job_eta_s(reload(job)) == pytest.approx(20, abs=1)
    Job.objects.filter(pk=job.pk).update(progress_at=timezone.now() - timedelta(hours=1))
    assert job_eta_s(reload(job)) == 0
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, failure_class="bug")
    assert job_eta_s(reload(job)) is None


def test_points_and_lines_follow_a_cursor() -> None:
    (job,) = jobs_ensure(nodes=[policy()], user=None).values()
    for step in range(4):
        for name in ("loss", "reward_mean"):
            MetricPoint.objects.create(
                job=job, name=name, step=step, samples=0, tokens=0, seconds=0, value=step
            )
        LogLine.objects.create(job=job, attempt=1, at=timezone.now(), text=f"line {step}")
    first = list(metric_points([job.pk], ["loss"]))
    assert [point.step for point in first] == [0, 1, 2, 3]
    assert [p.step for p in metric_points([job.pk], ["loss"], after_id=first[1].pk)] == [2, 3]
    lines = list(log_lines(job))
    assert [line.text for line in log_lines(job, after_id=lines[2].pk)] == ["line 3"]
