"""The gradient of one update: the algorithm's loss over a batch, in micro-batches if need be."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.base import (
    CompletionBatch,
    LLMAlgorithm,
    NonFiniteLossError,
    Schema,
    UserError,
)
from algorithms.settings import LLMSettings
from algorithms.shared.batches import advantages
from algorithms.shared.metrics import BatchRecord, Measured
from algorithms.training.completions import TrainingSet
from algorithms.training.evaluation import Exam
from algorithms.training.logprobs import Sequences, TokenFigures, token_figures
from algorithms.training.policy import Policy
from algorithms.training.seeds import stream
from algorithms.training.units import Units

_SIGNAL_ROWS = 4096
"""Completions looked at together when searching for a gradient."""


@dataclass(frozen=True)
class Lesson:
    """What is learned, from what, and how it is examined."""

    algorithm: LLMAlgorithm
    params: Schema
    settings: LLMSettings
    seed: int
    data: TrainingSet
    exam: Exam

    @cached_property
    def units(self) -> Units:
        """What is shuffled and kept together.

        Where prompts are shared, batches hold whole prompts even if the algorithm could do with
        single completions: there would be little to share otherwise.

        Raises:
            UserError: the algorithm learns from pairs, and there is none.
        """
        unit = self.algorithm.unit
        if self.settings.share_prompts and unit == "completion":
            unit = "prompt"
        return self.data.units(unit, most_pairs=self.settings.pairs_per_prompt, seed=self.seed)


@dataclass(frozen=True)
class WholeBatch:
    """The completions of one update, with what only all of them together can tell."""

    lesson: Lesson
    units: Units
    parts: tuple[slice, ...]
    """Micro-batches of whole units."""
    advantages: Float[Tensor, " B"]
    mean_tokens: float

    @classmethod
    def of(cls, lesson: Lesson, units: Units, *, step: int, size: int) -> "WholeBatch":
        """Return the batch of an update, cut into micro-batches of at most `size` completions."""
        draw = int(stream("advantages", lesson.seed, step).integers(2**63))
        outcomes = lesson.data.outcomes(units.rows, torch.Generator().manual_seed(draw))
        return cls(
            lesson,
            units,
            tuple(units.micro_batches(size)),
            advantages(lesson.algorithm, lesson.params, outcomes),
            float(outcomes.lengths.double().mean()),
        )

    def part(self, where: slice, device: torch.device) -> tuple[Sequences, CompletionBatch]:
        """Return one micro-batch, or the whole batch by `slice(None)`; nothing is selected yet."""
        sequences, batch = self.lesson.data.batch(self.units.rows[where], device)
        known = replace(
            batch,
            advantages=self.advantages[where].to(device),
            mean_tokens=self.mean_tokens,
            unit_index=torch.from_numpy(self.units.index[where]).to(device),
        )
        return sequences, known


def accumulate_gradient(
    policy: Policy, lesson: Lesson, units: Units, *, step: int, detailed: bool = False
) -> Measured:
    """Leave the gradient of the batch's mean loss in the weights; return the batch's metrics.

    Micro-batches are weighed by their number of completions, so that the sum of their gradients
    is that of one big batch. Metrics of the algorithm are averaged the same way.

    Args:
        detailed: whether to measure quantiles and histograms of the ratios, too.

    Raises:
        NonFiniteLossError: the loss is not a finite number.
    """
    policy.model.zero_grad(set_to_none=True)
    whole = WholeBatch.of(lesson, units, step=step, size=lesson.settings.micro_batch_size)
    selected = _selected(policy, whole) if len(whole.parts) > 1 else None
    record = BatchRecord(
        detailed=detailed, has_behaviour=lesson.data.behaviour_logprobs is not None
    )
    for where in whole.parts:
        sequences, batch = whole.part(where, policy.device)
        figures = _read(policy, lesson, sequences, entropy=True)
        logprobs = figures.logprobs
        if selected is None:
            batch = _selected_here(lesson, batch, logprobs)
        else:
            batch = replace(batch, selected=selected[where, : batch.mask.shape[1]])
        output = lesson.algorithm.loss(logprobs, batch, lesson.params)
        if not bool(torch.isfinite(output.loss.detach())):
            raise NonFiniteLossError(step)
        logprobs.retain_grad()
        torch.autograd.backward(output.loss * (len(batch.rewards) / len(units.rows)))
        record.add(
            logprobs.detach(),
            batch,
            output,
            gradient=_gradient_of(logprobs),
            entropies=figures.entropy,
        )
    return record.measured()


def _read(policy: Policy, lesson: Lesson, sequences: Sequences, *, entropy: bool) -> TokenFigures:
    settings = lesson.settings
    return token_figures(
        policy.model,
        sequences,
        precision=settings.precision,
        packing=settings.packing,
        share_prompts=settings.share_prompts,
        entropy=entropy,
    )


def _gradient_of(logprobs: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    return torch.zeros_like(logprobs) if logprobs.grad is None else logprobs.grad


def _selected_here(
    lesson: Lesson, batch: CompletionBatch, logprobs: Float[Tensor, "B T"]
) -> CompletionBatch:
    """Return a batch with what the algorithm selects of it, where it selects."""
    if lesson.algorithm.select is None:
        return batch
    chosen = lesson.algorithm.select(logprobs.detach(), batch, lesson.params)
    return replace(batch, selected=chosen)


def _selected(policy: Policy, whole: WholeBatch) -> Bool[Tensor, "B T"] | None:
    """Return what an algorithm selects of the whole batch, by a pass without gradient."""
    lesson = whole.lesson
    if lesson.algorithm.select is None:
        return None
    _, batch = whole.part(slice(None), policy.device)
    logprobs = torch.zeros(batch.mask.shape, device=policy.device)
    for where in whole.parts:
        sequences, _ = whole.part(where, policy.device)
        with torch.no_grad():
            found = _read(policy, lesson, sequences, entropy=False).logprobs
        logprobs[where, : found.shape[1]] = found
    chosen: Tensor = lesson.algorithm.select(logprobs, batch, lesson.params)
    return chosen


def require_signal(lesson: Lesson) -> None:
    """Check that some completion would move the policy, were it still the behaviour policy.

    Raises:
        UserError: the gradient is zero for every one of them.
    """
    data = lesson.data
    whole = WholeBatch.of(lesson, lesson.units, step=0, size=_SIGNAL_ROWS)
    for where in whole.parts:
        _, batch = whole.part(where, torch.device("cpu"))
        logprobs = batch.behaviour_logprobs.clone().requires_grad_()
        if batch.reference_logprobs is None:
            batch = replace(batch, reference_logprobs=batch.behaviour_logprobs)
        batch = _selected_here(lesson, batch, logprobs)
        loss = lesson.algorithm.loss(logprobs, batch, lesson.params).loss
        if loss.requires_grad:
            (gradient,) = torch.autograd.grad(loss, logprobs, allow_unused=True)
            if gradient is not None and bool(gradient.any()):
                return
    positives = int((data.rewards > 0).sum())
    raise UserError(
        f"{lesson.algorithm.title} has nothing to learn from these {len(data):,} completions: "
        f"{positives:,} have a reward above zero, {len(data) - positives:,} have not, and its "
        "gradient is zero for every one of them. Choose another algorithm, or rollouts with "
        "other grades."
    )
