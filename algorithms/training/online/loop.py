"""Batches that the policy writes while it is trained: generate, grade, wait, be learned from."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from algorithms.base import Reporter, Stopped
from algorithms.online.lags import LAGS_FILE, LagCounts, write_lags
from algorithms.online.schedule import Clock
from algorithms.specs import OnlineSpec
from algorithms.training.batches import Batch
from algorithms.training.first_batch import write_first_batch
from algorithms.training.gradient import Lesson
from algorithms.training.online.buffer import Buffer, Group
from algorithms.training.online.data import training_set
from algorithms.training.online.explorer import Explorer, Tally
from algorithms.training.online.journal import Journal
from algorithms.training.policy import Policy

_STATE_FILE = "online.json"


@dataclass
class Totals:
    """What the whole job has done so far, as far as no schedule tells."""

    completions: int = 0
    """Written."""
    tokens: int = 0
    """Written, in completions."""
    seconds: float = 0.0
    """Spent on writing and grading."""
    dropped: int = 0
    """Completions that became too old, or had to leave for want of room."""
    lags: list[list[int]] = field(default_factory=list)
    """Step, lag and how many completions of the step had it."""


class OnlineBatches:
    """Batches for the learner, written by the policy itself as the schedule says.

    All of one process, and in an order that follows from schedule and seed alone: a resumed
    training goes on with the same bits as one that was never interrupted.
    """

    def __init__(
        self,
        spec: OnlineSpec,
        lesson: Lesson,
        policy: Policy,
        explorer: Explorer,
        *,
        reporter: Reporter,
        checkpoints: Path,
        steps: int,
    ) -> None:
        """Prepare a loop.

        Args:
            lesson: without data.
            policy: the one that is trained.
        """
        self._spec = spec
        self._lesson = lesson
        self._policy = policy
        self._explorer = explorer
        self._reporter = reporter
        self._checkpoints = checkpoints
        self._clock = Clock(spec.schedule, steps)
        self._buffer = Buffer(spec.replay, spec.seed)
        self._journal = Journal(spec, steps=steps, folder=checkpoints)
        self._totals = Totals()
        self._tally = Tally()

    @property
    def steps(self) -> int:
        """Number of updates."""
        return self._clock.steps

    @property
    def totals(self) -> Totals:
        """What has been done so far."""
        return self._totals

    @property
    def journal(self) -> Journal:
        """What was written, row by row."""
        return self._journal

    @property
    def extra_syncs(self) -> int:
        """Synchronisations that the staleness limit enforced."""
        return self._clock.extra_syncs

    def check(self) -> None:
        """Refuse nothing: what can be learned shows itself on the way."""

    def batch(self, step: int, keep: Callable[[], None]) -> Batch:
        """Return the batch of update `step`, from 0, having written what the schedule asks for.

        Raises:
            Stopped: the job is to stop; a checkpoint is written, whole batches only.
        """
        started = time.perf_counter()
        clock, buffer = self._clock, self._buffer
        if clock.takes_over(step):
            self._explorer.take_over(self._policy)
        missing = clock.missing(step)
        for number in range(missing):
            if missing > 1:
                self._reporter.progress(number, missing, "batches generated ahead")
                if number and number % self._spec.settings.checkpoint_every == 0:
                    keep()
            self._write(keep, planned=True)
        if clock.schedule.max_staleness is not None:
            self._totals.dropped += buffer.drop_older(step - clock.schedule.max_staleness)
        while buffer.ready(step) < self._spec.prompts_per_step:
            self._write(keep, planned=False)
        taken = buffer.take(self._groups_per_update(), step)
        self._journal.used(taken, step)
        lesson = replace(self._lesson, data=training_set(taken))
        if step == 0:
            write_first_batch(lesson, self._policy, self._checkpoints)
        figures = self._tally.figures() | self._figures(taken, step)
        self._tally = Tally()
        return Batch(lesson, lesson.units, figures, time.perf_counter() - started)

    def _groups_per_update(self) -> int:
        return max(1, self._spec.settings.batch_size // self._spec.generate.completions)

    def _write(self, keep: Callable[[], None], *, planned: bool) -> None:
        clock, totals, tally = self._clock, self._totals, self._tally
        started = time.perf_counter()
        try:
            groups = self._explorer.write(
                clock.written + 1, version=clock.version, tally=tally, journal=self._journal
            )
        except Stopped:
            keep()
            raise
        clock.wrote(planned=planned)
        seconds = time.perf_counter() - started
        tally.seconds += seconds
        totals.seconds += seconds
        totals.completions += sum(map(len, groups))
        totals.tokens += sum(len(tokens) for group in groups for tokens in group.completions)
        totals.dropped += self._buffer.add(groups)

    def _figures(self, taken: Sequence[Group], step: int) -> dict[str, float]:
        """Return what is known of the batch beside what the update measures; note its lags."""
        counts = LagCounts.of(step, [(step - group.version, len(group)) for group in taken])
        self._totals.lags += counts.rows
        used_before = sum(len(group) for group in taken if group.uses > 1)
        return {
            "lag_mean": counts.mean,
            "lag_max": counts.max,
            "generator_version": self._clock.version,
            "replayed_share": used_before / sum(map(len, taken)),
            "buffer_size": self._buffer.completions,
            "dropped_completions": self._totals.dropped,
        }

    def save(self, folder: Path) -> None:
        """Write buffer, generator and schedule, and the lags so far for the job's page."""
        self._buffer.save(folder)
        if self._clock.version:
            self._explorer.generator.save(folder)
        clock = {k: v for k, v in asdict(self._clock).items() if k not in ("schedule", "steps")}
        state = {
            "clock": clock,
            "totals": asdict(self._totals),
            "tally": asdict(self._tally),
            "journal": self._journal.save(),
        }
        (folder / _STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
        write_lags(self._checkpoints / LAGS_FILE, self._totals.lags)

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        state = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
        self._clock = replace(self._clock, **state["clock"])
        self._totals = Totals(**state["totals"])
        self._tally = Tally(**state["tally"])
        self._buffer.restore(folder)
        # Checkpoints of earlier versions have none: what was written before them is not kept.
        self._journal.restore(state.get("journal", 0))
        if self._clock.version:
            self._explorer.generator.restore(folder)
