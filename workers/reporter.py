"""The Reporter that writes to the database: points, log lines and progress, once a second."""

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from algorithms.base import Event, NonFiniteLossError
from webapp.jobs.leases import LeaseLost, fenced
from webapp.jobs.models import Job, JobEvent, LogLine, MetricPoint
from webapp.live import announce
from workers.outbox import Alarm, Line, Outbox, Point, Record

FLUSH_S = 1.0
BATCH = 5000
"""Records per transaction."""
TEXT_CHARACTERS = 10_000
"""Longer log lines are cut."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far the job is."""

    done: int
    total: int
    unit: str
    rate: float | None


class JobReporter:
    """Reports one attempt; safe to call from several threads.

    What it was told is sent by a thread of its own. While the database is away it is kept; when
    the attempt has lost its lease nothing is written any more and the job is asked to stop.
    """

    def __init__(self, job_id: int, attempt: int, *, metrics: frozenset[str], folder: Path) -> None:
        """Take over what earlier attempts could not send.

        Args:
            metrics: Names that may be logged.
            folder: Where unconfirmed records are kept, on the disk of this job's checkpoints.
        """
        self._job_id = job_id
        self._attempt = attempt
        self._metrics = metrics
        self._outbox = Outbox(folder, attempt)
        self._progress: Progress | None = None
        self._start: tuple[float, int] | None = None
        self._uncertain = bool(self._outbox.pending)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._closing = threading.Event()
        self.lease_lost = False
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Record metrics at an optimizer step.

        Raises:
            ValueError: A metric is not declared.
            NonFiniteLossError: A value is not a finite number; the others are recorded.
        """
        if undeclared := sorted(set(metrics) - self._metrics):
            raise ValueError(
                f"the metrics {', '.join(undeclared)} are not declared: add them to `metrics` of "
                "the algorithm"
            )
        values = {name: float(value) for name, value in metrics.items()}
        points: list[Record] = [
            Point(name, step, samples, tokens, seconds, value)
            for name, value in values.items()
            if math.isfinite(value)
        ]
        with self._lock:
            self._outbox.add(points)
        if bad := sorted(name for name, value in values.items() if not math.isfinite(value)):
            raise NonFiniteLossError(step, " and ".join(bad))

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say how far the job is; the rate is measured over this attempt."""
        now = time.monotonic()
        with self._lock:
            if self._start is None or done < self._start[1]:
                self._start = (now, done)
            elapsed, gained = now - self._start[0], done - self._start[1]
            rate = gained / elapsed if gained and elapsed > 0 else None
            self._progress = Progress(done, total, unit, rate)

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Add a line to the job's log."""
        clean = text.replace("\0", "\N{SYMBOL FOR NULL}")[:TEXT_CHARACTERS]
        line = Line(self._attempt, timezone.now().isoformat(), level, clean)
        with self._lock:
            self._outbox.add([line])

    def event(self, event: Event) -> None:
        """Raise an alarm: on the job's page, on its curves, and as a line of its log."""
        alarm = Alarm(
            sentinel=event.sentinel,
            step=event.step,
            text=event.text,
            value=_finite(event.value),
            limit=_finite(event.limit),
            stops=event.action == "stop",
        )
        with self._lock:
            self._outbox.add([alarm])
        self.message(f"Step {event.step}: {event.text}", level="warning")

    def should_stop(self) -> bool:
        """Whether the job was cancelled, its worker stops, or it lost its lease."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Make `should_stop` true; safe in a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Send everything that is left; returns when the database has it.

        Raises:
            LeaseLost: It did not take it: another attempt holds the job.
        """
        self._closing.set()
        self._thread.join()
        with self._lock:
            self._outbox.close()
        if self.lease_lost:
            raise LeaseLost(f"attempt {self._attempt} no longer holds job {self._job_id}")

    def _run(self) -> None:
        while True:
            closing = self._closing.wait(FLUSH_S)
            try:
                emptied = self._flush()
            except (OperationalError, InterfaceError) as error:
                logger.warning("The database does not answer (%s); keeping the records.", error)
                connection.close()
                self._uncertain = True
                time.sleep(FLUSH_S)
                continue
            except LeaseLost:
                self.lease_lost = True
                self._stop.set()
                break
            if closing and emptied:
                break
        connection.close()

    def _flush(self) -> bool:
        """Send what was recorded; return whether nothing is left."""
        with self._lock:
            records, progress = self._outbox.pending[:BATCH], self._progress
        if not records and progress is None:
            return True
        with fenced(self._job_id, self._attempt) as job:
            _write_points(job, [record for record in records if isinstance(record, Point)])
            alarms = [record for record in records if isinstance(record, Alarm)]
            _write_alarms(job, self._attempt, alarms)
            lines = [record for record in records if isinstance(record, Line)]
            _write_lines(job, self._new(job, lines) if self._uncertain else lines)
            _write_progress(job, progress)
        with self._lock:
            self._outbox.confirm(len(records))
            if self._progress is progress:
                self._progress = None
            if not self._outbox.pending:
                self._uncertain = False
            return not self._outbox.pending

    def _new(self, job: Job, lines: Sequence[Line]) -> list[Line]:
        """Leave out lines that the database took although its answer was lost."""
        times = [line.at for line in lines]
        kept = LogLine.objects.filter(job=job, at__in=times).values_list("attempt", "at", "text")
        known = {(attempt, at.isoformat(), text) for attempt, at, text in kept}
        return [line for line in lines if (line.attempt, line.at, line.text) not in known]


def _write_points(job: Job, points: Sequence[Point]) -> None:
    if not points:
        return
    newest = {(point.name, point.step): point for point in points}
    MetricPoint.objects.bulk_create(
        [MetricPoint(job=job, **asdict(point)) for point in newest.values()],
        update_conflicts=True,
        unique_fields=["job", "name", "step"],
        update_fields=["samples", "tokens", "seconds", "value"],
    )
    announce(job.pk, "points")


def _finite(value: float) -> float:
    """Return the value, or 0 where JSON and the database have no word for it."""
    return value if math.isfinite(value) else 0.0


def _write_alarms(job: Job, attempt: int, alarms: Sequence[Alarm]) -> None:
    if not alarms:
        return
    rows = [JobEvent(job=job, attempt=attempt, **asdict(alarm)) for alarm in alarms]
    JobEvent.objects.bulk_create(rows, ignore_conflicts=True)
    announce(job.pk, "state")


def _write_lines(job: Job, lines: Sequence[Line]) -> None:
    if not lines:
        return
    LogLine.objects.bulk_create(
        LogLine(
            job=job,
            attempt=line.attempt,
            at=datetime.fromisoformat(line.at),
            level=line.level,
            text=line.text,
        )
        for line in lines
    )
    announce(job.pk, "log")


def _write_progress(job: Job, progress: Progress | None) -> None:
    if progress is None:
        return
    Job.objects.filter(pk=job.pk).update(
        progress_done=progress.done,
        progress_total=progress.total,
        progress_unit=progress.unit,
        progress_rate=progress.rate,
        progress_at=Now(),
    )
    announce(job.pk, "progress")
