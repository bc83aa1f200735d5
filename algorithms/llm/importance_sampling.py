"""Off-policy REINFORCE with full importance sampling (TOPR's OPR, arXiv:2503.14286)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import over_tokens, policy_gradient
from algorithms.shared.ratios import Granularity, log_ratio_over_tokens
from algorithms.shared.weights import WEIGHT_MEAN


class Params(Schema):
    """Hyperparameters of full importance sampling; every default is TOPR's."""

    baseline: float = Field(0.0, ge=-1, le=1)
    """Subtracted from the reward (c). It changes the variance only, not the expected gradient."""
    ratio_granularity: Granularity = "sequence"
    """What the ratio pi/mu belongs to: the whole completion (TOPR), the completion with its
    logarithm divided by length, or each token (Trinity-RFT's pure importance sampling)."""
    aggregation: Aggregation = "sequence_mean"


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the importance-weighted loss (table 1 of TOPR, row OPR: a = 0, b = inf).

        loss = -mean[ pi(y|x) / mu(y|x) (R - c) log pi(y|x) / |y| ]

    The weight carries no gradient and has no bound: its variance grows with every token, and a
    ratio above e^88 is no float any more, which ends the training.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = log_ratio_over_tokens(
        logprobs.detach(),
        batch.behaviour_logprobs,
        batch.mask,
        granularity=params.ratio_granularity,
    )
    return policy_gradient(
        logprobs,
        batch,
        advantages=over_tokens(batch.rewards - params.baseline, batch),
        weights=log_ratio.exp(),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Importance sampling",
    paper="arXiv:2503.14286",
    summary=(
        "Weighs positives and negatives by the ratio pi/mu, whatever its size: the true gradient "
        "of the expected reward, on average, with a variance that has no bound."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} "
        r"\frac{\pi(y_i \mid x_i)}{\mu(y_i \mid x_i)} (R_i - c) \, "
        r"\frac{\log \pi(y_i \mid x_i)}{|y_i|}"
    ),
    params=Params,
    loss=loss,
    metrics=(WEIGHT_MEAN,),
    presets={
        "One ratio per token (Trinity-RFT)": {
            "ratio_granularity": "token",
            "aggregation": "token_mean",
        }
    },
    family=families.IMPORTANCE,
    colour="purple-dashed",
)
