"""The one learner of all language-model algorithms: batches, gradients, updates, evaluations."""

import math
import time
from collections.abc import Mapping
from pathlib import Path

from algorithms.base import NonFiniteLossError, Reporter, Stopped, Summary
from algorithms.shared.histograms import counts_of
from algorithms.training import checkpoint
from algorithms.training.batches import Batch, Batches, StoredBatches
from algorithms.training.carried import read_optimizer, write_optimizer
from algorithms.training.checkpoint import Position
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.examiner import Examiner, Interrupted
from algorithms.training.gradient import Lesson, accumulate_gradient
from algorithms.training.history import summary_of, write_histograms, write_history
from algorithms.training.kept import check_kept, keep_policy, publish_kept
from algorithms.training.optimizers import (
    build_optimizer,
    clip_gradient,
    learning_rate,
    set_learning_rate,
)
from algorithms.training.policy import Policy
from algorithms.training.runtime import peak_memory_bytes
from algorithms.training.sentinels.watch import Watch
from algorithms.training.whole import WholePolicy, undivided

DETAILS = 100
"""How often at most a training measures quantiles and histograms of its ratios."""


class Learner:
    """Trains a policy in place; resumes from the newest checkpoint in its folder."""

    def __init__(
        self,
        policy: Policy,
        lesson: Lesson,
        reporter: Reporter,
        checkpoints: Path,
        *,
        batches: Batches | None = None,
        ranks: Ranks = ALONE,
        whole: WholePolicy | None = None,
    ) -> None:
        """Prepare a training.

        Args:
            batches: where it learns from; the lesson's own data when not given.
            ranks: the processes that train together, each with a learner of its own; the first
                one reports, evaluates and writes.
            whole: gives the policy in one piece, where it is spread over them.
        """
        self._policy = policy
        self._ranks = ranks
        self._whole = whole or undivided(policy)
        self._lesson = lesson
        self._reporter = reporter
        self._checkpoints = checkpoints
        self._batches = batches or StoredBatches(lesson)
        self._examiner = Examiner(
            lesson, reporter, steps=self._batches.steps, ranks=ranks, whole=self._whole
        )
        self._detail_every = -(-self._batches.steps // DETAILS)
        self._optimizer = build_optimizer(policy.model, lesson.settings)
        restored = checkpoint.restore(
            checkpoints, policy.model, self._optimizer, also=self._batches.restore
        )
        self._position = restored or Position()
        self._watch = Watch(lesson.settings.sentinels, reporter, self._position.watch)
        if restored:
            reporter.message(f"Resumed from the checkpoint of step {restored.step}.")

    def carry_on(self, folder: Path) -> None:
        """Go on with the optimizer's state of an earlier training, unless this one was resumed."""
        if not self._position.step:
            read_optimizer(self._optimizer, folder)

    def keep_optimizer(self, folder: Path) -> None:
        """Write the optimizer's state beside the policy."""
        write_optimizer(self._optimizer, folder, ranks=self._ranks)

    def run(self) -> None:
        """Train until the last step, or until the accuracy to stop at.

        Raises:
            Stopped: the reporter asked for it; the checkpoint is written.
            NonFiniteLossError: loss or gradient stopped being a number.
            UserError: the data holds nothing that the algorithm can learn from.
        """
        settings, position = self._lesson.settings, self._position
        self._batches.check()
        check_kept(settings, self._batches.steps)
        # With something to go back to from the first update on.
        saved = -1 if settings.sentinels.may_stop and not position.step else position.step
        while True:
            self._reporter.progress(position.step, self._batches.steps, "steps")
            if self._evaluate():
                break
            if self._ranks.any(self._watch.alarm is not None):
                self._back_to_good_weights()
                break
            if position.step >= self._batches.steps:
                break
            if settings.keep_every and position.step and position.step % settings.keep_every == 0:
                self._keep()
            stopping = self._ranks.any(self._reporter.should_stop())
            due = position.step % settings.checkpoint_every == 0 and position.step > saved
            if stopping or due:
                self._save()
                saved = position.step
            if stopping:
                raise self._stopped()
            self._step()

    def _back_to_good_weights(self) -> None:
        """Return to the newest checkpoint, written before the alarm, and say how good it is."""
        restored = checkpoint.restore(
            self._checkpoints, self._policy.model, self._optimizer, also=self._batches.restore
        )
        assert restored is not None  # one was written before the first update
        self._position = restored
        self._watch.end(restored.step)
        self._evaluate(anyway=not self._examiner.has_seen(restored))

    def _keep(self) -> None:
        with self._whole() as policy:
            if policy is not None:
                keep_policy(policy, self._checkpoints, self._position.step)

    def _save(self) -> None:
        checkpoint.save(
            self._checkpoints,
            self._policy.model,
            self._optimizer,
            self._position,
            also=self._batches.save,
            ranks=self._ranks,
        )
        if self._ranks.is_first:
            write_histograms(self._position, self._checkpoints)

    def _step(self) -> None:
        position, settings = self._position, self._lesson.settings
        batch = self._batches.batch(position.step, self._save)
        started = time.perf_counter()
        tokens = batch.lesson.data.token_count(batch.units.rows)
        rate = learning_rate(settings, position.step, self._batches.steps)
        set_learning_rate(self._optimizer, rate)
        try:
            metrics = self._update(batch)
        except NonFiniteLossError as error:
            metrics = self._skip(error)
        seconds = time.perf_counter() - started
        metrics |= {"learning_rate": rate, "skipped_steps": position.skipped_steps, **batch.figures}
        # Only the first process knows all of them; what follows from them must be the same in all.
        self._log(self._ranks.share(metrics | {"tokens_per_s": tokens / seconds}))
        position.step += 1
        position.samples += len(batch.units.rows)
        position.tokens += tokens
        position.seconds += seconds + batch.seconds

    def _update(self, batch: Batch) -> dict[str, float]:
        """Change the weights by one batch; return its metrics.

        Raises:
            NonFiniteLossError: loss or gradient is not a finite number; nothing was changed.
        """
        position, settings, data = self._position, self._lesson.settings, batch.lesson.data
        detailed = position.step % self._detail_every == 0
        measured = accumulate_gradient(
            self._policy,
            batch.lesson,
            batch.units,
            step=position.step,
            detailed=detailed,
            ranks=self._ranks,
        )
        norm = clip_gradient(self._policy.model.parameters(), settings.clip_norm)
        if not math.isfinite(norm):
            raise NonFiniteLossError(position.step, "gradient")
        self._optimizer.step()
        position.clipped_steps += norm > settings.clip_norm
        for counts in counts_of(position.step, measured.log_ratios):
            position.histograms.append(counts.record())
        updates = position.step + 1 - position.skipped_steps
        figures = {"grad_norm": norm, "clipped_steps_share": position.clipped_steps / updates}
        if data.truncated is not None:
            figures["truncated_share"] = float(data.truncated[batch.units.rows].mean())
        return {**measured.figures, **figures}

    def _skip(self, error: NonFiniteLossError) -> dict[str, float]:
        """Leave weights and optimizer as they are, unless too many steps were skipped already."""
        position, limit = self._position, self._lesson.settings.max_skipped_steps
        ends = self._watch.non_finite(position.step, error)
        if position.skipped_steps >= limit and not ends:
            raise error
        position.skipped_steps += 1
        self._policy.model.zero_grad(set_to_none=True)
        self._reporter.message(
            f"Step {position.step} changed nothing: {error} "
            f"({position.skipped_steps} of at most {limit} skipped steps.)",
            level="warning",
        )
        return {}

    def _log(self, metrics: Mapping[str, float]) -> None:
        """Report figures of the weights after `step` updates, with what these updates cost."""
        position = self._position
        self._watch.see(position.step, metrics)
        self._reporter.log(
            position.step,
            metrics,
            samples=position.samples,
            tokens=position.tokens,
            seconds=position.seconds,
        )

    def _evaluate(self, *, anyway: bool = False) -> bool:
        """Evaluate the policy if it is time to; return whether it is good enough to stop.

        Raises:
            Stopped: the reporter asked for it; the checkpoint is written.
        """
        if not anyway and not self._examiner.is_due(self._position):
            return False
        try:
            return self._examiner.evaluate(self._position, self._log)
        except Interrupted:
            self._save()
            raise self._stopped() from None

    def _stopped(self) -> Stopped:
        return Stopped(f"Stopped at step {self._position.step}; its checkpoint is kept.")

    def finish(self, folder: Path) -> Summary:
        """Write policy, history and ratios; return the figures of the whole training.

        The processes beside the first one write nothing.
        """
        peak = self._ranks.most(peak_memory_bytes(self._policy.device))
        with self._whole() as policy:
            if policy is not None:
                policy.save(folder)
                publish_kept(self._checkpoints, folder)
                write_history(self._position, folder)
        self._ranks.wait()
        return summary_of(self._position, peak_memory=peak) | self._watch.ending
