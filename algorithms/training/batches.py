"""Where the batches of a training come from: stored completions, or completions made on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from algorithms.training.data_order import DataOrder
from algorithms.training.gradient import Lesson, require_signal
from algorithms.training.units import Units


@dataclass(frozen=True)
class Batch:
    """What one update learns from."""

    lesson: Lesson
    """With the data that the units are rows of."""
    units: Units
    figures: Mapping[str, float] = field(default_factory=dict)
    """Declared metrics of how it came about, logged with those of the update."""
    seconds: float = 0.0
    """What making it took, counted with the training."""


class Batches(Protocol):
    """The batches of a whole training; what they remember is part of its checkpoints."""

    @property
    def steps(self) -> int:
        """Number of updates."""

    def check(self) -> None:
        """Refuse data that nothing can be learned from, before the first update.

        Raises:
            UserError: so it is.
        """

    def batch(self, step: int, keep: Callable[[], None]) -> Batch:
        """Return the batch of update `step`, from 0; steps are asked for in their order.

        Args:
            keep: writes a checkpoint, for batches that take long to make.

        Raises:
            Stopped: the job is to stop; a checkpoint is written.
        """

    def save(self, folder: Path) -> None:
        """Write files that `restore` continues from."""

    def restore(self, folder: Path) -> None:
        """Continue from what `save` wrote."""


class StoredBatches:
    """Batches of stored completions; they follow from the seed, so nothing has to be saved."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._order = DataOrder(lesson.units, lesson.settings, lesson.seed)

    @property
    def steps(self) -> int:
        """Number of updates."""
        return self._order.steps

    def check(self) -> None:
        """Refuse completions without a gradient; see `require_signal`."""
        require_signal(self._lesson)

    def batch(self, step: int, keep: Callable[[], None]) -> Batch:  # noqa: ARG002 - made at once
        """Return the batch of update `step`."""
        return Batch(self._lesson, self._order.batch(step))

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def restore(self, folder: Path) -> None:
        """Read nothing."""
