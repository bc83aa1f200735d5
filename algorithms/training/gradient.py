"""The gradient of one update: the algorithm's loss over a batch, in micro-batches if need be."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.base import CompletionBatch, NonFiniteLossError, UserError
from algorithms.shared.metrics import BatchRecord, Measured
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.lesson import Lesson, WholeBatch
from algorithms.training.logprobs import Sequences, TokenFigures, token_figures
from algorithms.training.policy import Policy
from algorithms.training.sequences import no_sequences
from algorithms.training.units import Units

__all__ = ["Lesson", "WholeBatch", "accumulate_gradient", "require_signal"]

_SIGNAL_ROWS = 4096
"""Completions looked at together when searching for a gradient."""


def accumulate_gradient(
    policy: Policy,
    lesson: Lesson,
    units: Units,
    *,
    step: int,
    detailed: bool = False,
    ranks: Ranks = ALONE,
) -> Measured:
    """Leave the gradient of the batch's mean loss in the weights; return the batch's metrics.

    Micro-batches are weighed by their number of completions, so that the sum of their gradients
    is that of one big batch. Metrics of the algorithm are averaged the same way.

    Args:
        detailed: whether to measure quantiles and histograms of the ratios, too.
        ranks: the processes that share the work; only the first of them gets metrics.

    Raises:
        NonFiniteLossError: the loss is not a finite number, in some process.
    """
    policy.model.zero_grad(set_to_none=True)
    size = lesson.settings.micro_batch_size
    whole = WholeBatch.of(lesson, units, step=step, size=size, ranks=ranks)
    cut = len(whole.parts) > 1 or ranks.size > 1
    selected = _selected(policy, whole, ranks) if cut else None
    record = BatchRecord(
        detailed=detailed, has_behaviour=lesson.data.behaviour_logprobs is not None
    )
    broken = False
    for where in whole.parts:
        if len(where):
            broken |= not _learn(policy, whole, where, selected=selected, record=record)
        else:
            nothing = _read(policy, lesson, no_sequences(policy.device), entropy=True)
            torch.autograd.backward(nothing.logprobs.sum())
    if ranks.any(broken):
        raise NonFiniteLossError(step)
    return record.measured(ranks.gather)


def _learn(
    policy: Policy,
    whole: WholeBatch,
    where: np.ndarray,
    *,
    selected: Bool[Tensor, "B T"] | None,
    record: BatchRecord,
) -> bool:
    """Add the gradient of a micro-batch and record it; return whether its loss is finite."""
    lesson = whole.lesson
    sequences, batch = whole.part(where, policy.device)
    figures = _read(policy, lesson, sequences, entropy=True)
    logprobs = figures.logprobs
    if selected is None:
        batch = _selected_here(lesson, batch, logprobs)
    else:
        batch = replace(batch, selected=selected[where, : batch.mask.shape[1]])
    output = lesson.algorithm.loss(logprobs, batch, lesson.params)
    logprobs.retain_grad()
    # also of a loss that is no number: other processes wait for this part of the gradient
    torch.autograd.backward(output.loss * (len(where) / len(whole.units.rows)))
    gradient = _gradient_of(logprobs)
    record.add(logprobs.detach(), batch, output, gradient=gradient, entropies=figures.entropy)
    return bool(torch.isfinite(output.loss.detach()))


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


def _selected(policy: Policy, whole: WholeBatch, ranks: Ranks) -> Bool[Tensor, "B T"] | None:
    """Return what an algorithm selects of the whole batch, by a pass without gradient."""
    lesson = whole.lesson
    if lesson.algorithm.select is None:
        return None
    _, batch = whole.part(slice(None), policy.device)
    logprobs = torch.zeros(batch.mask.shape, device=policy.device)
    for where in whole.parts:
        sequences = no_sequences(policy.device)
        if len(where):
            sequences, _ = whole.part(where, policy.device)
        with torch.no_grad():
            found = _read(policy, lesson, sequences, entropy=False).logprobs
        logprobs[where, : found.shape[1]] = found
    chosen: Tensor = lesson.algorithm.select(ranks.total(logprobs), batch, lesson.params)
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
