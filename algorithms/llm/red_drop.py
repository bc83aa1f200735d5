"""RED-Drop: balanced groups by dropping negatives (Yao et al. 2025, arXiv:2509.24203)."""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Metric, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import balanced_by_dropping, negatives_in_excess
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import over_tokens, policy_gradient
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)

DROPPED_SHARE = Metric(
    "dropped_share",
    label="Share of completions dropped",
    help="Share of completions dropped because their prompt has more negatives than positives.",
)


class Params(Schema):
    """Hyperparameters of RED-Drop; every default is the paper's."""

    std_normalise: bool = False
    """Divide by the population standard deviation of the rewards that are kept."""
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - mean(r of the kept) within each prompt; 0 for what is dropped."""
    return balanced_by_dropping(
        outcomes.rewards,
        outcomes.prompt_index,
        outcomes.generator,
        std_normalise=params.std_normalise,
    )


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss over groups balanced by chance.

        loss = -agg[ A log pi ],  A = 0 for e negatives drawn at random, e = #negatives - #positives

    A completion is positive when its reward is at least the mean of its prompt. Dropped tokens
    still count in the denominator (section 1.9 of the specification of arXiv:2509.24203).

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    negative, excess = negatives_in_excess(batch.rewards, batch.prompt_index)
    dropped = negative & (excess > 0) & (batch.advantages == 0)
    kept = ~dropped.unsqueeze(-1).expand(batch.mask.shape)
    output = policy_gradient(
        logprobs,
        batch,
        advantages=over_tokens(batch.advantages, batch),
        kept=kept,
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )
    share = dropped.double().mean().item()
    return replace(output, metrics={DROPPED_SHARE.name: share})


ALGORITHM = LLMAlgorithm(
    title="RED-Drop",
    short="RED-Drop",
    paper="arXiv:2509.24203",
    summary=(
        "Where a prompt has more negatives than positives, drops the surplus at random and "
        "compares what is left: failures of hard prompts no longer outweigh their few successes."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i \in S} "
        r"\left( r_i - \bar{r}_S \right) \log \pi(y_i \mid x_i), \qquad "
        r"S = \text{positives and as many negatives}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(DROPPED_SHARE,),
    family=families.DATA,
    colour="ink-dashed",
)
