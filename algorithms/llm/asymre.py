"""AsymRE, Asymmetric REINFORCE (Arnal et al. 2025, arXiv:2506.20520)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import shifted
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import policy_gradient
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)


class Params(Schema):
    """Hyperparameters of AsymRE."""

    baseline_shift: float = Field(-0.1, ge=-10, le=10)
    """Added to the mean reward of the prompt to make the baseline. Below 0 every completion is
    imitated a little; at 0 and above training collapses sooner or later."""
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - (mean(r) + shift) within each prompt."""
    return shifted(outcomes.rewards, outcomes.prompt_index, shift=params.baseline_shift)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss with a baseline below the mean reward.

        loss = -agg[ (r - (mean(r) + shift)) log pi ]

    The same as group-relative REINFORCE plus -shift times KL(mu || pi) (section 1.7 of the
    specification of arXiv:2509.24203): all completions are imitated, those of prompts that nobody
    solved too.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    penalty = reference_penalty(logprobs, batch, params)
    return policy_gradient(logprobs, batch, penalty=penalty, aggregation=params.aggregation)


ALGORITHM = LLMAlgorithm(
    title="Asymmetric REINFORCE",
    short="AsymRE",
    paper="arXiv:2506.20520",
    summary=(
        "Takes a baseline a little below the mean reward of the prompt, so that positives pull "
        "more than negatives push: a constant share of imitation keeps the policy near the data."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} "
        r"\left( r_i - (\bar{r} + \delta) \right) \log \pi(y_{i,t} \mid x_i, y_{i,<t}), "
        r"\qquad \delta < 0"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    presets={"Shift of the GSM8K runs of arXiv:2509.24203": {"baseline_shift": -0.2}},
    family=families.GROUP,
    colour="sky-dashed",
)
