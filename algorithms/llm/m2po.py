"""M2PO, Second-Moment Trust Policy Optimization (Zheng et al. 2025, arXiv:2510.01161)."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import within_second_moment
from algorithms.shared.composition import over_tokens, surrogate
from algorithms.shared.ratios import clamped_token_log_ratio, token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import CLIPPED_TOKEN_SHARE, WEIGHT_MEAN


class Params(Schema):
    """Hyperparameters of M2PO; every default is the paper's."""

    second_moment_max: float = Field(0.04, gt=0, le=100)
    """Largest mean of (log pi/mu)^2 over the tokens that count; the farthest are dropped until it
    holds (tau of M2)."""
    counted: Literal["leaving", "all"] = "leaving"
    """Which tokens count: leaving takes those that the update would push farther from the
    behaviour policy, which PPO could clip; all takes every token (AReaL)."""
    std_normalise: StdNormalisation = "sample"
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6) within each prompt."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def select(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params
) -> Bool[Tensor, "B T"]:
    """Return the tokens that stay when the second moment of the log ratio is held down.

    Sorted over the whole batch of an update, not within its micro-batches.
    """
    log_ratio = token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    counted = batch.mask
    if params.counted == "leaving":
        counted = counted & (over_tokens(batch.advantages, batch) * log_ratio > 0)
    return within_second_moment(log_ratio, counted, largest=params.second_moment_max)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the importance-weighted loss over the tokens that `select` has left.

        loss = -agg[ rho A M ],  M: mean of (log rho)^2 over counted tokens <= threshold

    rho = pi/mu of one token, log rho clamped to +-20; it carries the gradient. Dropped tokens
    still count in the denominator. Section 1.10 of the specification of arXiv:2509.24203.

    Differs from the paper: of its "trust-region tokens", among which it sorts, we know the name
    only, and take them to be those with A log rho > 0.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = clamped_token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    kept = torch.ones_like(batch.mask) if batch.selected is None else batch.selected
    ratio = torch.where(kept, log_ratio, 0.0).exp()
    return surrogate(
        over_tokens(batch.advantages, batch) * kept * ratio,
        batch,
        weights=log_ratio.exp(),
        kept=kept,
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Second-Moment Trust Policy Optimization",
    paper="arXiv:2510.01161",
    summary=(
        "Weighs tokens by their ratio pi/mu and drops only the few that have left the farthest, "
        "until the second moment of the log ratio over the batch is small."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} M_{i,t} \, \rho_{i,t} A_i, \qquad "
        r"\frac{\sum_{i,t} M_{i,t} (\log \rho_{i,t})^2}{\sum_{i,t} M_{i,t}} \leq \tau"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    select=select,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN, CLIPPED_TOKEN_SHARE),
    presets={"All tokens count (AReaL)": {"counted": "all"}},
    family=families.CLIPPING,
    colour="green-dotted",
)
