"""PPO's clipped objective on whole completions (Schulman et al. 2017, arXiv:1707.06347)."""

import math

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared.masking import token_counts
from algorithms.shared.ratios import sequence_log_ratio
from algorithms.shared.weights import CLIPPED_SHARE, share


class Params(Schema):
    """Hyperparameters of sequence-level PPO; every default is that of TOPR's comparison."""

    clip_low: float = Field(0.2, ge=0, lt=1)
    """How far below 1 the ratio of a negative may fall before it stops acting (epsilon, lower)."""
    clip_high: float = Field(0.2, ge=0)
    """How far above 1 the ratio of a positive may rise before it stops acting (epsilon, upper)."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return PPO's loss with one ratio per completion, averaged over completions.

        loss = -mean[ min(x R, [x]_{1-eps}^{1+eps} R) / |y| ],  x = pi(y|x) / mu(y|x)

    Section 2.4 of TOPR (arXiv:2503.14286): no value function, no KL term; the division by length
    is its section C.2. The gradient flows through x and is zero where x > 1 + eps and R >= 0, or
    x < 1 - eps and R < 0. The minimum is taken in log space, where a ratio that has outgrown a
    float and is clipped away leaves no NaN in the gradient.

    Differs from the paper: the two sides of the clip are separate settings, equal by default.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = sequence_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    # min(x R, clip(x) R) is R min(x, 1 + eps) for R >= 0 and R max(x, 1 - eps) for R < 0.
    clipped = torch.where(
        batch.rewards >= 0,
        log_ratio.clamp(max=math.log1p(params.clip_high)),
        log_ratio.clamp(min=math.log1p(-params.clip_low)),
    )
    objective = batch.rewards * clipped.exp() / token_counts(batch.mask).clamp(min=1)
    return LossOutput(
        loss=-objective.mean(),
        metrics={"clipped_share": share(clipped.detach() != log_ratio.detach())},
    )


ALGORITHM = LLMAlgorithm(
    title="PPO, sequence-level clip",
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
    colour="orange",
)
