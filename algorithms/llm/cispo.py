"""CISPO, clipped importance-sampling weights (MiniMax-M1 2025, arXiv:2506.13585)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import policy_gradient
from algorithms.shared.ratios import token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import WEIGHT_MEAN, importance_weight


class Params(Schema):
    """Hyperparameters of CISPO."""

    clip_low: float = Field(1.0, gt=0, le=1)
    """The weight of a token is at least 1 minus this; 1 is no lower bound (epsilon, lower)."""
    clip_high: float = Field(0.28, gt=0, le=100)
    """The weight of a token is at most 1 plus this (epsilon, upper)."""
    std_normalise: StdNormalisation = "sample"
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6) within each prompt."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss with clipped importance weights.

        loss = -agg[ sg([rho]_{1-low}^{1+high}) A log pi ],  rho = pi/mu of one token

    The weight is clipped, not the objective: no token loses its gradient. Section 1.10 of the
    specification of arXiv:2509.24203.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    ratio = importance_weight(token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask))
    return policy_gradient(
        logprobs,
        batch,
        weights=ratio.clamp(1 - params.clip_low, 1 + params.clip_high),
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Clipped importance-sampling policy optimization",
    short="CISPO",
    paper="arXiv:2506.13585",
    summary=(
        "Weighs each token by its ratio pi/mu up to a cap, for positives and negatives alike; "
        "no token is ever dropped, so that rare but decisive ones keep learning."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} "
        r"\mathrm{sg}\left( \left[ \rho_{i,t} \right]_{1-\epsilon_l}^{1+\epsilon_h} \right) A_i "
        r"\log \pi(y_{i,t} \mid x_i, y_{i,<t})"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN,),
    family=families.CLIPPING,
    colour="blue-dotted",
)
