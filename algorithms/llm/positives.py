"""Fine-tuning on positives: the inner loop of STaR, ReST and rejection sampling.

As compared in TOPR (Le Roux et al. 2025, arXiv:2503.14286, section 2.2).
"""

from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.masking import masked_mean


class Params(Schema):
    """Fine-tuning on positives has no hyperparameter of its own."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:  # noqa: ARG001 - every loss has this signature
    """Return the reward-weighted cross-entropy of positives, averaged over all completions.

        loss = -mean[ max(R, 0) log pi(y|x) / |y| ]

    Section 2.2 of TOPR. Negatives count in the mean with weight zero, so that an update is as
    large as TOPR's on the same batch.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    rewards = batch.rewards.clamp(min=0)
    return LossOutput.of(
        -(rewards * masked_mean(logprobs, batch.mask)),
        kept=(rewards > 0).unsqueeze(-1).expand(batch.mask.shape),
    )


ALGORITHM = LLMAlgorithm(
    title="Fine-tuning on positives",
    short="Positives only",
    paper="arXiv:2503.14286",
    summary=(
        "Imitates the policy's own positives, weighted by reward, and ignores negatives. The inner "
        "loop of STaR, ReST and rejection sampling."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \max(R_i, 0) \, "
        r"\frac{\log \pi(y_i \mid x_i)}{|y_i|}"
    ),
    params=Params,
    loss=loss,
    family=families.IMITATION,
    colour="green",
)
