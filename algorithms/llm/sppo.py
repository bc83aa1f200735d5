"""sPPO, softmax PPO of functional mirror ascent (Vaswani et al. 2021, arXiv:2108.05828)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import inside
from algorithms.shared.composition import over_tokens, surrogate
from algorithms.shared.ratios import token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import CLIPPED_TOKEN_SHARE, importance_weight


class Params(Schema):
    """Hyperparameters of sPPO."""

    clip: float = Field(0.3, gt=0, le=100)
    """A token acts while 1/(1+clip) <= pi/mu <= 1+clip (epsilon; Trinity-RFT's default, its
    example takes 0.1)."""
    std_normalise: StdNormalisation = "none"
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - mean(r) within each prompt, divided by its deviation where asked."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the loss that is linear in the log ratio, inside a symmetric band.

        loss = -agg[ A 1[1/(1+eps) <= rho <= 1+eps] (log pi - log mu) ],  rho = pi/mu of one token

    Section 1.10 of the specification of arXiv:2509.24203. The mask carries no gradient, and
    log mu is a constant: it changes the value of the loss only.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    band = 1 - 1 / (1 + params.clip)
    kept = inside(importance_weight(log_ratio), low=band, high=params.clip)
    return surrogate(
        over_tokens(batch.advantages, batch) * kept * log_ratio,
        batch,
        kept=kept,
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Softmax PPO",
    paper="arXiv:2108.05828",
    summary=(
        "Pushes log-probabilities, not ratios, by the advantage, and drops every token whose "
        "ratio has left a band around 1, in whichever direction."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} A_i \, "
        r"\mathbf{1}\left[ \frac{1}{1+\epsilon} \leq \rho_{i,t} \leq 1+\epsilon \right] "
        r"\log \rho_{i,t}, \qquad A_i = r_i - \bar{r}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(CLIPPED_TOKEN_SHARE,),
    presets={"Trinity-RFT's example": {"clip": 0.1}},
    family=families.CLIPPING,
    colour="orange-dotted",
)
