"""RED-Weight: advantages weighted by their exponential (Yao et al. 2025, arXiv:2509.24203)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import over_tokens, policy_gradient
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import WEIGHT_MEAN, advantage_weight


class Params(Schema):
    """Hyperparameters of RED-Weight; every default is the paper's."""

    temperature: float = Field(1.0, gt=0, le=1000)
    """Advantages this far apart differ in weight by a factor e (T)."""
    weight_max: float = Field(1e6, gt=1, le=1e9)
    """Cap of the weight exp(A/T), which a small temperature or divided advantages would make
    overflow; the paper has none."""
    std_normalise: StdNormalisation = "none"
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - mean(r) within each prompt, divided by its deviation where asked."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss with each advantage weighted by its own exponential.

        loss = -agg[ exp(A/T) A log pi ]

    Neither normalised nor clipped. Section 1.8 of the specification of arXiv:2509.24203.

    Differs from the paper: A is against the plain mean, as in the authors' code, where a note on
    the paper writes the weighted mean; and the weight has a cap, so that it never overflows.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    weight = advantage_weight(
        batch.advantages, temperature=params.temperature, largest=params.weight_max
    )
    return policy_gradient(
        logprobs,
        batch,
        weights=over_tokens(weight, batch),
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="RED-Weight",
    short="RED-Weight",
    paper="arXiv:2509.24203",
    summary=(
        "Weighs completions by the exponential of their advantage: the best of a prompt pull "
        "more, the worst push less, which adds a share of imitation that steadies training."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} e^{A_i / T} A_i \, "
        r"\log \pi(y_{i,t} \mid x_i, y_{i,<t}), \qquad A_i = r_i - \bar{r}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN,),
    presets={"Sharper weights (T = 0.2)": {"temperature": 0.2}},
    family=families.DATA,
    colour="orange-dashed",
)
