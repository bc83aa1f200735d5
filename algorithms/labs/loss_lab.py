"""The Loss lab: what any algorithm makes of a few completions, token by token.

Everything is read off the loss that trains, in float64: advantages and selections over the whole
batch, weight and mask as the loss reports them, the coefficient of grad log pi by autograd.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.labs.batch import LabBatch, tensors
from algorithms.shared.batches import prepare
from algorithms.shared.masking import token_counts

Scale = Literal["completion", "batch", "gradient"]
"""What -d loss / d log pi is multiplied by to give the coefficient c of a token:

completion: completions times the tokens of its completion (c of a mean over completions of means
over tokens, TOPR); batch: all tokens of the batch (c of a token mean, Trinity-RFT); gradient: 1.
"""


@dataclass(frozen=True)
class Token:
    """One token as a loss sees it."""

    logprob: float
    behaviour_logprob: float
    ratio: float
    """pi/mu of this token."""
    weight: float | None
    """Importance weight that multiplies the advantage; None where the algorithm has none."""
    kept: bool | None
    """False where it is clipped, tapered away or dropped; None where the algorithm keeps all."""
    coefficient: float
    """c: positive pushes the token up, negative down, in units of the chosen scale."""


@dataclass(frozen=True)
class Judged:
    """One completion as an algorithm sees it."""

    advantage: float
    ratio: float
    """pi/mu of the whole completion."""
    tokens: tuple[Token, ...]

    @property
    def coefficient_sum(self) -> float:
        """Sum of c over the tokens."""
        return math.fsum(token.coefficient for token in self.tokens)


@dataclass(frozen=True)
class Judgement:
    """What one algorithm makes of a batch."""

    loss: float
    """As the trainer would log it; not comparable between algorithms."""
    effective_positive_share: float | None
    """Share of the weight on log pi that pushes up; None where nothing is pushed."""
    completions: tuple[Judged, ...]

    @property
    def is_finite(self) -> bool:
        """Whether the loss and every coefficient are numbers."""
        tokens = (token.coefficient for one in self.completions for token in one.tokens)
        return math.isfinite(self.loss) and all(map(math.isfinite, tokens))


def judge(
    batch: LabBatch, algorithm: LLMAlgorithm, params: Schema, *, scale: Scale = "completion"
) -> Judgement:
    """Return advantages, weights, masks, coefficients and loss of one algorithm on a batch."""
    whole, typed = tensors(batch)
    logprobs = typed.requires_grad_()
    prepared = prepare(whole, algorithm, params, logprobs=logprobs)
    output = algorithm.loss(logprobs, prepared, params)
    gradient = _gradient(output.loss, logprobs)
    up, down = (-gradient).clamp(min=0).sum().item(), gradient.clamp(min=0).sum().item()
    # Adding 0.0 turns -0.0 into 0.0.
    coefficients = -gradient * _factor(prepared, scale) + 0.0
    return Judgement(
        loss=output.loss.item(),
        effective_positive_share=up / (up + down) if up + down > 0 else None,
        completions=tuple(
            _judged(row, prepared, output, logprobs=logprobs.detach(), coefficients=coefficients)
            for row in range(len(prepared.rewards))
        ),
    )


def _gradient(loss: Tensor, logprobs: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """Return d loss / d log pi; zeros where a batch gives the loss nothing to differentiate."""
    if not loss.requires_grad:
        return torch.zeros_like(logprobs)
    (gradient,) = torch.autograd.grad(loss, logprobs, allow_unused=True)
    return torch.zeros_like(logprobs) if gradient is None else gradient


def _factor(batch: CompletionBatch, scale: Scale) -> Float[Tensor, "B 1"]:
    lengths = token_counts(batch.mask).double().unsqueeze(-1)
    if scale == "completion":
        return lengths * len(batch.rewards)
    return torch.full_like(lengths, lengths.sum().item() if scale == "batch" else 1.0)


def _judged(
    row: int,
    batch: CompletionBatch,
    output: LossOutput,
    *,
    logprobs: Float[Tensor, "B T"],
    coefficients: Float[Tensor, "B T"],
) -> Judged:
    length = int(batch.mask[row].sum())
    log_ratio = (logprobs - batch.behaviour_logprobs)[row, :length]
    return Judged(
        advantage=batch.advantages[row].item(),
        ratio=log_ratio.sum().exp().item(),
        tokens=tuple(
            Token(
                logprob=logprobs[row, place].item(),
                behaviour_logprob=batch.behaviour_logprobs[row, place].item(),
                ratio=log_ratio[place].exp().item(),
                weight=None if output.weights is None else output.weights[row, place].item(),
                kept=None if output.kept is None else bool(output.kept[row, place]),
                coefficient=coefficients[row, place].item(),
            )
            for place in range(length)
        ),
    )
