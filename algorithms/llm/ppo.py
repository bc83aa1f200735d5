"""PPO's clipped objective on whole completions or on tokens (Schulman 2017, arXiv:1707.06347)."""

from dataclasses import replace
from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import ppo_objective
from algorithms.shared.composition import over_tokens, surrogate
from algorithms.shared.masking import masked_mean, token_counts
from algorithms.shared.ratios import clamped_token_log_ratio, sequence_log_ratio
from algorithms.shared.weights import CLIPPED_SHARE


class Params(Schema):
    """Hyperparameters of PPO; every default is that of TOPR's comparison."""

    clip_low: float = Field(0.2, ge=0, lt=1)
    """How far below 1 the ratio of a negative may fall before it stops acting (epsilon, lower)."""
    clip_high: float = Field(0.2, ge=0)
    """How far above 1 the ratio of a positive may rise before it stops acting (epsilon, upper)."""
    ratio_granularity: Literal["sequence", "token"] = "sequence"
    """What the ratio pi/mu belongs to: the whole completion (TOPR), or each token (Trinity-RFT and
    most libraries)."""
    dual_clip: float | None = Field(None, gt=1, le=1000)
    """Ratio above which a negative stops acting too (c; 3 in Trinity-RFT); empty leaves it out."""
    aggregation: Aggregation = "sequence_mean"
    """How tokens are averaged when each has its own ratio (sequence_mean, token_mean,
    sequence_sum); one ratio per completion is divided by length, as in TOPR."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return PPO's loss, with one ratio per completion or one per token.

        loss = -mean[ min(x R, [x]_{1-eps}^{1+eps} R) / |y| ],  x = pi(y|x) / mu(y|x)

    Section 2.4 of TOPR (arXiv:2503.14286): no value function, no KL term; the division by length
    is its section C.2. The gradient flows through x and is zero where x > 1 + eps and R >= 0, or
    x < 1 - eps and R < 0, or x > dual_clip and R < 0. The minimum is taken in log space, where a
    ratio that has outgrown a float and is clipped away leaves no NaN in the gradient. Per token,
    log x is clamped to +-20, and the same minimum is aggregated over tokens.

    Differs from the paper: the two sides of the clip are separate settings, equal by default.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    if params.ratio_granularity == "token":
        return _token_loss(logprobs, batch, params)
    log_ratio = sequence_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    objective, kept = ppo_objective(
        log_ratio,
        batch.rewards,
        low=params.clip_low,
        high=params.clip_high,
        dual=params.dual_clip,
    )
    return LossOutput.of(
        -(objective / token_counts(batch.mask).clamp(min=1)),
        metrics={CLIPPED_SHARE.name: (~kept).float().mean().item()},
        weights=over_tokens(log_ratio.detach().exp(), batch),
        kept=kept.unsqueeze(-1).expand(batch.mask.shape),
    )


def _token_loss(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params
) -> LossOutput:
    log_ratio = clamped_token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    objective, kept = ppo_objective(
        log_ratio,
        over_tokens(batch.rewards, batch),
        low=params.clip_low,
        high=params.clip_high,
        dual=params.dual_clip,
    )
    output = surrogate(
        objective, batch, weights=log_ratio.exp(), kept=kept, aggregation=params.aggregation
    )
    clipped = masked_mean((~kept).float(), batch.mask).mean().item()
    return replace(output, metrics={CLIPPED_SHARE.name: clipped})


ALGORITHM = LLMAlgorithm(
    title="PPO",
    paper="arXiv:1707.06347",
    summary=(
        "Weighs positives and negatives by the ratio pi/mu and stops each once the policy has "
        "moved a step in its favour; the weight of a negative that becomes likelier has no cap."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \frac{1}{|y_i|} "
        r"\min\left( \rho_i R_i, \left[ \rho_i \right]_{1-\epsilon}^{1+\epsilon} R_i \right), "
        r"\qquad \rho_i = \frac{\pi(y_i \mid x_i)}{\mu(y_i \mid x_i)}"
    ),
    params=Params,
    loss=loss,
    metrics=(CLIPPED_SHARE,),
    presets={
        "One ratio per token, dual clip (Trinity-RFT)": {
            "ratio_granularity": "token",
            "dual_clip": 3.0,
            "aggregation": "token_mean",
        }
    },
    family=families.CLIPPING,
    colour="orange",
)
