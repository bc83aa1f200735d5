"""Naive off-policy REINFORCE, the first baseline of TOPR (arXiv:2503.14286, equation 2)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.masking import masked_mean


class Params(Schema):
    """Hyperparameters of naive REINFORCE; every default is the paper's."""

    baseline: float = Field(0.0, ge=-1, le=1)
    """Subtracted from the reward (c): below zero pulls the policy towards the one that wrote the
    completions, above zero pushes it away."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss, averaged over completions (eq. 2; length: section C.2).

        loss = -mean[ (R - c) log pi(y|x) / |y| ]

    There is no importance weight, although the completions come from another policy. The loss has
    no lower bound as soon as one R - c is negative.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    rewards = batch.rewards - params.baseline
    return LossOutput.of(-(rewards * masked_mean(logprobs, batch.mask)))


ALGORITHM = LLMAlgorithm(
    title="REINFORCE without correction",
    short="REINFORCE",
    paper="arXiv:2503.14286",
    summary=(
        "Raises positives and pushes negatives down at full strength for ever, as if the policy "
        "itself had written them. Improves first, then destroys the policy."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} (R_i - c) \, "
        r"\frac{\log \pi(y_i \mid x_i)}{|y_i|}"
    ),
    params=Params,
    loss=loss,
    family=families.IMPORTANCE,
    colour="vermillion",
)
