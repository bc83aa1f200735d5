"""GSPO, Group Sequence Policy Optimization (Zheng et al. 2025, arXiv:2507.18071)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import ppo_objective
from algorithms.shared.composition import over_tokens, surrogate
from algorithms.shared.ratios import log_ratio_over_tokens
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import CLIPPED_TOKEN_SHARE, WEIGHT_MEAN


class Params(Schema):
    """Hyperparameters of GSPO; every default is the paper's."""

    clip_low: float = Field(3e-4, gt=0, le=1)
    """How far below 1 the ratio of a completion may fall before a negative advantage stops acting
    (epsilon, lower). Ratios of whole completions are close to 1: these are small."""
    clip_high: float = Field(4e-4, gt=0, le=100)
    """How far above 1 the ratio of a completion may rise before a positive advantage stops acting
    (epsilon, upper)."""
    std_normalise: StdNormalisation = "sample"
    aggregation: Aggregation = "sequence_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6) within each prompt."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return PPO's clipped loss with one length-normalised ratio per completion.

        loss = -mean[ min(s A, [s]_{1-low}^{1+high} A) ],  s = (pi(y|x) / mu(y|x))^(1/|y|)

    s is the geometric mean of the tokens' ratios and carries the gradient: that of log pi of each
    token is s A / |y| where it is not clipped. Section 1.10 of the specification of
    arXiv:2509.24203.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = log_ratio_over_tokens(
        logprobs, batch.behaviour_logprobs, batch.mask, granularity="length_normalised"
    )
    objective, kept = ppo_objective(
        log_ratio,
        over_tokens(batch.advantages, batch),
        low=params.clip_low,
        high=params.clip_high,
    )
    return surrogate(
        objective,
        batch,
        weights=log_ratio.exp(),
        kept=kept,
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Group Sequence Policy Optimization",
    paper="arXiv:2507.18071",
    summary=(
        "GRPO with one ratio per completion, the geometric mean over its tokens: a completion is "
        "clipped as a whole, within a very narrow band."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} "
        r"\min\left( s_i A_i, \left[ s_i \right]_{1-\epsilon_l}^{1+\epsilon_h} A_i \right), \qquad "
        r"s_i = \left( \frac{\pi(y_i \mid x_i)}{\mu(y_i \mid x_i)} \right)^{1 / |y_i|}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN, CLIPPED_TOKEN_SHARE),
    family=families.CLIPPING,
    colour="ink-dotted",
)
