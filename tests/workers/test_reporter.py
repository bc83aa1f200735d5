"""What a job says reaches the database once, in time, and only under its own attempt."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connection

from algorithms.base import Event, NonFiniteLossError
from launcher.services import Services
from tests.webapp.jobs.graphs import policy, reload, take
from webapp.jobs.leases import Claim, LeaseLost, requeue
from webapp.jobs.models import Job, JobEvent, LogLine, MetricPoint
from webapp.jobs.services import jobs_ensure
from workers.outbox import Alarm, Line, Outbox, Point
from workers.reporter import JobReporter

pytestmark = pytest.mark.django_db(transaction=True)


def log(reporter: JobReporter, step: int, metrics: dict[str, float]) -> None:
    """Report with the same costs every time."""
    reporter.log(step, metrics, samples=8, tokens=24, seconds=0.5)


@pytest.fixture
def claimed() -> Claim:
    """A running job."""
    jobs_ensure(nodes=[policy()], user=None)
    return take()


@pytest.fixture
def reporter(claimed: Claim, tmp_path: Path) -> Iterator[JobReporter]:
    reporter = open_reporter(claimed, tmp_path)
    yield reporter
    with suppress(LeaseLost):
        reporter.close()


def open_reporter(claimed: Claim, folder: Path) -> JobReporter:
    return JobReporter(
        claimed.job_id, claimed.attempt, metrics=frozenset({"loss", "reward_mean"}), folder=folder
    )


def steps() -> list[tuple[str, int, float]]:
    return list(MetricPoint.objects.order_by("name", "step").values_list("name", "step", "value"))


def test_points_lines_and_progress_arrive_within_seconds(
    reporter: JobReporter, claimed: Claim
) -> None:
    reporter.progress(10, 100, "steps")
    time.sleep(0.2)
    reporter.progress(12, 100, "steps")
    log(reporter, 12, {"loss": 0.25, "reward_mean": -1})
    reporter.message("Halfway <b>there</b>\0", level="warning")
    deadline = time.monotonic() + 10
    while LogLine.objects.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    point = MetricPoint.objects.get(name="loss")
    assert (point.step, point.samples, point.tokens, point.seconds, point.value) == (
        *(12, 8, 24, 0.5, 0.25),
    )
    line = LogLine.objects.get()
    assert (line.text, line.level, line.attempt) == ("Halfway <b>there</b>␀", "warning", 1)
    job = Job.objects.get(pk=claimed.job_id)
    assert (job.progress_done, job.progress_total, job.progress_unit) == (12, 100, "steps")
    assert job.progress_rate == pytest.approx(10, rel=0.5)


def test_the_same_step_twice_is_one_point_with_the_later_value(reporter: JobReporter) -> None:
    log(reporter, 1, {"loss": 2.0})
    log(reporter, 1, {"loss": 3.0})
    reporter.close()
    assert steps() == [("loss", 1, 3.0)]


def test_an_undeclared_metric_is_refused_by_name(reporter: JobReporter) -> None:
    with pytest.raises(ValueError, match="losss are not declared"):
        log(reporter, 1, {"losss": 1.0})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_ends_the_job_and_loses_nothing_before(
    reporter: JobReporter, value: float
) -> None:
    log(reporter, 4, {"loss": 1.0})
    with pytest.raises(NonFiniteLossError, match="loss was not a finite number at step 5"):
        log(reporter, 5, {"loss": value, "reward_mean": 0.5})
    reporter.close()
    assert steps() == [("loss", 4, 1.0), ("reward_mean", 5, 0.5)]


def test_an_old_attempt_writes_nothing_and_is_asked_to_stop(
    reporter: JobReporter, claimed: Claim
) -> None:
    requeue(job_id=claimed.job_id, attempt=claimed.attempt, reason="test")
    take()
    log(reporter, 1, {"loss": 1.0})
    reporter.message("I am still here")
    reporter.progress(5, 10, "steps")
    deadline = time.monotonic() + 10
    while not reporter.should_stop() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reporter.should_stop()
    with pytest.raises(LeaseLost):
        reporter.close()
    assert steps() == []
    assert not LogLine.objects.exists()
    assert Job.objects.get(pk=claimed.job_id).progress_done == 0


def test_what_a_killed_attempt_could_not_send_is_sent_by_the_next(
    claimed: Claim, tmp_path: Path
) -> None:
    killed = Outbox(tmp_path, claimed.attempt)
    killed.add([Point("loss", 7, 56, 168, 1.5, 0.125)])
    killed.add([Line(1, "2026-01-02T03:04:05.000006+00:00", "info", "Last words")])
    killed.close()
    with (tmp_path / "outbox-000001.jsonl").open("a") as file:
        file.write('{"kind": "point", "na')
    requeue(job_id=claimed.job_id, attempt=claimed.attempt, reason="test")
    reporter = open_reporter(take(), tmp_path)
    log(reporter, 8, {"loss": 0.0625})
    reporter.close()
    assert steps() == [("loss", 7, 0.125), ("loss", 8, 0.0625)]
    assert [(line.attempt, line.text) for line in LogLine.objects.all()] == [(1, "Last words")]
    left = list(tmp_path.iterdir())
    assert [path.name for path in left] == ["outbox-000002.jsonl"]
    assert left[0].read_text() == ""


def test_lines_that_arrived_although_their_answer_was_lost_are_not_doubled(
    claimed: Claim, tmp_path: Path
) -> None:
    line = Line(1, "2026-01-02T03:04:05.000006+00:00", "info", "Once")
    for _ in range(2):
        outbox = Outbox(tmp_path, 1)
        outbox.add([line])
        outbox.close()
        open_reporter(claimed, tmp_path).close()
    assert [row.text for row in LogLine.objects.all()] == ["Once"]


def test_a_database_that_is_away_delays_points_and_loses_none(
    reporter: JobReporter, services: Services
) -> None:
    connection.close()
    services.postgres.stop()
    for step in range(100):
        log(reporter, step, {"loss": float(step)})
    reporter.message("Nobody hears me")
    time.sleep(1.5)
    assert not reporter.should_stop()
    services.restart_postgres()
    reporter.close()
    assert steps() == [("loss", step, float(step)) for step in range(100)]
    assert LogLine.objects.count() == 1


def test_thousands_of_points_arrive_in_order_of_their_saying(reporter: JobReporter) -> None:
    for step in range(3000):
        log(reporter, step, {"loss": 0.5, "reward_mean": 1.0})
    reporter.close()
    assert MetricPoint.objects.count() == 6000
    ids = list(
        MetricPoint.objects.filter(name="loss").order_by("id").values_list("step", flat=True)
    )
    assert ids == sorted(ids)


def test_unconfirmed_records_are_in_the_file_the_moment_they_are_said(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, 3)
    outbox.add([Point("loss", 1, 2, 3, 4.0, 5.0)])
    text = (tmp_path / "outbox-000003.jsonl").read_text()
    assert json.loads(text)["value"] == 5.0
    outbox.confirm(1)
    assert (tmp_path / "outbox-000003.jsonl").read_text() == ""


def test_progress_of_a_job_that_resumes_has_the_rate_of_this_attempt(
    reporter: JobReporter, claimed: Claim
) -> None:
    reporter.progress(900, 1000, "steps")
    time.sleep(0.5)
    reporter.progress(901, 1000, "steps")
    reporter.close()
    rate = reload(Job.objects.get(pk=claimed.job_id)).progress_rate
    assert rate is not None
    assert rate < 3


def alarm(step: int, *, action: str = "warn") -> Event:
    return Event(
        sentinel="entropy_collapse",
        step=step,
        text="The entropy is 0.01 nats per token.",
        value=float("inf"),
        limit=0.1,
        action="stop" if action == "stop" else "warn",
    )


def test_an_alarm_becomes_one_event_and_a_line(reporter: JobReporter, claimed: Claim) -> None:
    reporter.event(alarm(7, action="stop"))
    reporter.event(alarm(7))  # the same step again, after a restart
    reporter.close()
    event = JobEvent.objects.get()
    assert (event.job_id, event.attempt, event.sentinel, event.step) == (
        *(claimed.job_id, 1, "entropy_collapse", 7),
    )
    assert (event.stops, event.value, event.limit) == (True, 0.0, 0.1)
    assert LogLine.objects.filter(level="warning").count() == 2


def test_an_attempt_that_lost_the_job_raises_nothing(reporter: JobReporter, claimed: Claim) -> None:
    requeue(job_id=claimed.job_id, attempt=claimed.attempt, reason="The worker died.")
    reporter.event(alarm(3))
    with pytest.raises(LeaseLost):
        reporter.close()
    assert not JobEvent.objects.exists()


def test_alarms_of_a_killed_attempt_are_sent_by_the_next(claimed: Claim, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, claimed.attempt)
    outbox.add([Alarm("ratio_explosion", 4, "Too far.", 30.0, 20.0, stops=False)])
    outbox.close()
    open_reporter(claimed, tmp_path).close()
    assert JobEvent.objects.get().sentinel == "ratio_explosion"
