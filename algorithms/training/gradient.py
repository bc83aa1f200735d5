"""The gradient of one update: the algorithm's loss over a batch, in micro-batches if need be."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from algorithms.base import LLMAlgorithm, NonFiniteLossError, Schema, UserError
from algorithms.settings import LLMSettings
from algorithms.shared.batches import advantages
from algorithms.shared.metrics import BatchStatistics
from algorithms.training.completions import TrainingSet
from algorithms.training.evaluation import Exam
from algorithms.training.logprobs import token_logprobs
from algorithms.training.policy import Policy
from algorithms.training.seeds import stream

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


def accumulate_gradient(
    policy: Policy, lesson: Lesson, indices: np.ndarray, *, step: int
) -> dict[str, float]:
    """Leave the gradient of the batch's mean loss in the weights; return the batch's metrics.

    Micro-batches are weighed by their number of completions, so that the sum of their gradients
    is that of one big batch. Metrics of the algorithm are averaged the same way.

    Raises:
        NonFiniteLossError: the loss is not a finite number.
    """
    policy.model.zero_grad(set_to_none=True)
    figures: dict[str, float] = {}
    statistics: BatchStatistics | None = None
    size = lesson.settings.micro_batch_size
    outcomes = lesson.data.outcomes(indices, _lots(lesson.seed, step))
    worth = advantages(lesson.algorithm, lesson.params, outcomes)
    mean_tokens = float(outcomes.lengths.double().mean())
    for start in range(0, len(indices), size):
        part = indices[start : start + size]
        weight = len(part) / len(indices)
        sequences, batch = lesson.data.batch(
            part,
            policy.device,
            advantages=worth[start : start + size],
            mean_tokens=mean_tokens,
        )
        logprobs = token_logprobs(policy.model, sequences, precision=lesson.settings.precision)
        output = lesson.algorithm.loss(logprobs, batch, lesson.params)
        loss = float(output.loss.detach())
        if not math.isfinite(loss):
            raise NonFiniteLossError(step)
        torch.autograd.backward(output.loss * weight)
        for name, value in {"loss": loss, **output.metrics}.items():
            figures[name] = figures.get(name, 0.0) + value * weight
        measured = BatchStatistics.measure(logprobs.detach(), batch)
        statistics = measured if statistics is None else statistics + measured
    if statistics is not None:
        figures |= statistics.reward_figures()
        if lesson.data.behaviour_logprobs is not None:
            figures |= statistics.ratio_figures()
    return figures


def _lots(seed: int, step: int) -> torch.Generator:
    draw = stream("advantages", seed, step).integers(2**63)
    return torch.Generator().manual_seed(int(draw))


def require_signal(lesson: Lesson) -> None:
    """Check that some completion would move the policy, were it still the behaviour policy.

    Raises:
        UserError: the gradient is zero for every one of them.
    """
    data = lesson.data
    everything = np.arange(len(data))
    outcomes = data.outcomes(everything, _lots(lesson.seed, 0))
    worth = advantages(lesson.algorithm, lesson.params, outcomes)
    mean_tokens = float(outcomes.lengths.double().mean())
    for start in range(0, len(data), _SIGNAL_ROWS):
        part = slice(start, start + _SIGNAL_ROWS)
        _, batch = data.batch(
            everything[part],
            torch.device("cpu"),
            advantages=worth[part],
            mean_tokens=mean_tokens,
        )
        logprobs = batch.behaviour_logprobs.clone().requires_grad_()
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
