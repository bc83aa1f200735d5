"""The loop of all control trainings: batches, updates, figures, checkpoints, divergence."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from algorithms.base import Event, NonFiniteLossError, Reporter, Stopped
from algorithms.control_base import Learnable
from algorithms.training import control_checkpoint
from algorithms.training.control_checkpoint import Position
from algorithms.training.control_data import BatchStream
from algorithms.training.recorded import update_of

VALUE_METRIC = "value_mean"
"""The figure that exploding values show in."""


class DivergedError(NonFiniteLossError):
    """Values exploded: still numbers, but far beyond any return the data could have."""

    def __init__(self, step: int, value: float, limit: float) -> None:
        super().__init__(step)
        text = (
            f"The training diverged: the mean value is {value:.3g} at step {step}, and no return "
            f"of these data can be beyond {limit:.3g}. Lower the critic's learning rate, scale "
            "the rewards, or choose a more conservative algorithm."
        )
        self.args = (text,)


Evaluate = Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class Plan:
    """How often a training looks up from its updates."""

    log_every: int
    checkpoint_every: int
    evaluate_every: int = 0
    value_limit: float = math.inf
    """Mean values beyond it end the training."""
    evaluate: Evaluate | None = field(default=None, compare=False)
    """Evaluates the learner as it stands; figures by declared name."""


class ControlTrainer:
    """Trains networks in place; resumes from the newest checkpoint in its folder."""

    def __init__(
        self,
        learner: Learnable,
        stream: BatchStream,
        plan: Plan,
        *,
        reporter: Reporter,
        checkpoints: Path,
    ) -> None:
        self._learner = learner
        self._update = update_of(learner, stream.spaces.device)
        self._stream = stream
        self._plan = plan
        self._reporter = reporter
        self._checkpoints = checkpoints
        self._figures: dict[str, Tensor] = {}
        self._last_log = (0, 0.0)
        self.position = Position()

    def run(self) -> Position:
        """Train to the end.

        Raises:
            NonFiniteLossError: a loss is not a number, or values exploded; the newest checkpoint
                is the last one that was looked at and found good.
            Stopped: the reporter asked for it; the checkpoint is written.
        """
        position = control_checkpoint.restore(self._checkpoints, self._learner)
        if position is not None:
            self.position = position
            self._reporter.message(f"Going on after step {position.step}.")
        self._last_log = (self.position.step, self.position.seconds)
        while self.position.step < self._stream.steps:
            self._block()
            self._reporter.progress(self.position.step, self._stream.steps, "updates")
            if self._reporter.should_stop():
                self._check()
                self._save()
                raise Stopped(f"Stopped at step {self.position.step}; its checkpoint is kept.")
        return self.position

    def _block(self) -> None:
        """Take the updates up to the end of a block of draws, or of the training."""
        position, started = self.position, time.perf_counter()
        for batch in self._stream.batches(position.step):
            self._learner.schedule(batch.step, batch.steps)
            self._figures |= self._update(batch)
            position.step = batch.step + 1
            if self._due(self._plan.log_every) or position.step == batch.steps:
                self._synchronize()
                now = time.perf_counter()
                position.seconds += now - started
                self._log(self._check())
                self._look_up()
                started = time.perf_counter()
        position.seconds += time.perf_counter() - started

    def _look_up(self) -> None:
        """Evaluate and save where due; both happen at logged steps only."""
        every, evaluate = self._plan.evaluate_every, self._plan.evaluate
        last = self.position.step == self._stream.steps
        if evaluate is not None and every and (self._due(every) or last):
            figures = dict(evaluate())
            self.position.evaluations.append({"step": self.position.step, **figures})
            self._report(figures)
        if self._due(self._plan.checkpoint_every) and not last:
            self._save()

    def _due(self, every: int) -> bool:
        return self.position.step % every == 0

    def _synchronize(self) -> None:
        if self._stream.spaces.device.type == "cuda":
            torch.cuda.synchronize()

    def _check(self) -> dict[str, float]:
        """Return the newest figures, each a mean over the seeds, or say that they diverged."""
        step = self.position.step
        found = {}
        for name, values in self._figures.items():
            if not bool(torch.isfinite(values).all()):
                raise NonFiniteLossError(step, name.replace("_", " "))
            found[name] = float(values.mean())
        value = self._figures.get(VALUE_METRIC)
        if value is not None:
            largest = float(value.abs().max())
            if largest > self._plan.value_limit:
                self._alarm(largest)
                raise DivergedError(step, largest, self._plan.value_limit)
        return found

    def _alarm(self, value: float) -> None:
        """Say where values exploded, and what is left from before."""
        kept = control_checkpoint.newest_first(self._checkpoints)
        last = int(kept[0].name.rpartition("-")[2]) if kept else 0
        left = (
            f"The last good checkpoint is from step {last:,}."
            if last
            else "No checkpoint had been written by then."
        )
        limit = self._plan.value_limit
        told = f"The mean value is {value:.3g}; no return of these data is beyond {limit:.3g}."
        self._reporter.event(
            Event("divergence", self.position.step, f"{told} {left}", value, limit, "warn")
        )

    def _log(self, figures: dict[str, float]) -> None:
        step, seconds = self._last_log
        spent = self.position.seconds - seconds
        if spent > 0:
            figures["updates_per_s"] = (self.position.step - step) / spent
        self._last_log = (self.position.step, self.position.seconds)
        self._report(figures)

    def _report(self, figures: Mapping[str, float]) -> None:
        self._reporter.log(
            self.position.step,
            figures,
            samples=self.position.step * self._stream.batch_size,
            tokens=0,
            seconds=self.position.seconds,
        )

    def _save(self) -> None:
        state = self._learner.state_dict()
        if all(bool(torch.isfinite(value).all()) for value in state.values()):
            control_checkpoint.save(self._checkpoints, self._learner, self.position)
            return
        raise NonFiniteLossError(self.position.step, "weights")
