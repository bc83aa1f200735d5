"""The evaluations of a training: when they are due, what they say, whether it may stop there."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from algorithms.base import Reporter
from algorithms.training.checkpoint import Position
from algorithms.training.distributed import Ranks
from algorithms.training.evaluation import Figures
from algorithms.training.lesson import Lesson
from algorithms.training.whole import WholePolicy

Log = Callable[[Mapping[str, float]], None]


class Interrupted(Exception):  # noqa: N818 - not an error: the job is to stop
    """An evaluation was asked to stop; nothing of it is kept."""


class Examiner:
    """Puts the held-out problems to the policy of a training, on the first of its processes."""

    def __init__(
        self, lesson: Lesson, reporter: Reporter, *, steps: int, ranks: Ranks, whole: WholePolicy
    ) -> None:
        """Prepare it.

        Args:
            steps: of the whole training.
            whole: gives the policy in one piece.
        """
        self._lesson = lesson
        self._reporter = reporter
        self._steps = steps
        self._ranks = ranks
        self._whole = whole

    def has_seen(self, position: Position) -> bool:
        """Whether the policy is evaluated as it is."""
        done = position.evaluations
        return bool(done) and done[-1]["step"] == position.step

    def is_due(self, position: Position) -> bool:
        """Whether the policy is to be evaluated before the next update."""
        if self.has_seen(position):
            return False
        every = self._lesson.settings.evaluate_every
        return position.step == self._steps or (every > 0 and position.step % every == 0)

    def evaluate(self, position: Position, log: Log) -> bool:
        """Evaluate, log and remember the figures; return whether the policy is good enough.

        Raises:
            Interrupted: the reporter asked to stop; in all processes.
        """
        figures = self._figures(self._lesson.seed + position.step)
        named = figures.named(prefix="eval_", sampled_accuracy="sampled_accuracy")
        log(named)
        cost = {
            "step": position.step,
            "samples": position.samples,
            "tokens": position.tokens,
            "seconds": position.seconds,
        }
        position.evaluations.append(cost | named)
        text = ", ".join(
            f"{name[5:].replace('_', ' ')} {value:.3g}" for name, value in named.items()
        )
        self._reporter.message(f"Step {position.step}: {text}.")
        return self._is_good_enough(figures.sampled_accuracy, at_end=position.step == self._steps)

    def _figures(self, seed: int) -> Figures:
        figures = None
        with self._whole() as policy, suppress(Interrupted):
            if policy is not None:
                exam = self._lesson.exam
                figures = Figures.of(exam.hold(policy, seed=seed, on_progress=self._breathe))
        found = self._ranks.share(figures)
        if found is None:
            raise Interrupted
        return found

    def _breathe(self, _done: int) -> None:
        if self._reporter.should_stop():
            raise Interrupted

    def _is_good_enough(self, accuracy: float | None, *, at_end: bool) -> bool:
        target = self._lesson.settings.stop_at_accuracy
        if target is None or accuracy is None:
            return False
        if accuracy < target and at_end:
            self._reporter.message(
                f"All {self._steps} steps are done, and the sampled accuracy of "
                f"{accuracy:.3f} is still below the {target:.3f} to stop at.",
                level="warning",
            )
        return accuracy >= target
