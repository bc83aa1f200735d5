"""Supervised fine-tuning on reference answers, as in Ouyang et al. 2022 (arXiv:2203.02155)."""

from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.masking import masked_mean


class Params(Schema):
    """Supervised fine-tuning has no hyperparameter of its own."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:  # noqa: ARG001 - every loss has this signature
    """Return the cross-entropy per token of each reference, averaged over references.

        loss = -mean[ log pi(y|x) / |y| ]

    Rewards and behaviour log-probabilities are not read: a reference answer has neither.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    return LossOutput.of(-masked_mean(logprobs, batch.mask))


ALGORITHM = LLMAlgorithm(
    title="Supervised fine-tuning",
    paper="arXiv:2203.02155",
    summary=(
        "Imitates the reference answers of a dataset by cross-entropy. There are no negatives; "
        "this is how a base policy is made."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} "
        r"\frac{1}{|y_i|} \sum_{t=1}^{|y_i|} \log \pi(y_{i,t} \mid x_i, y_{i,<t})"
    ),
    params=Params,
    loss=loss,
    trains_on="references",
    family=families.IMITATION,
    colour="sky",
)
