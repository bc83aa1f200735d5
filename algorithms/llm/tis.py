"""Truncated importance sampling, as compared in TOPR (Le Roux et al. 2025, arXiv:2503.14286)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.composition import over_tokens
from algorithms.shared.masking import masked_mean
from algorithms.shared.ratios import sequence_log_ratio
from algorithms.shared.taper import taper
from algorithms.shared.weights import TAPERED_SHARE, WEIGHT_MEAN, share


class Params(Schema):
    """Hyperparameters of truncated importance sampling; every default is the paper's."""

    baseline: float = Field(0.0, ge=-1, le=1)
    """Subtracted from the reward (c). With rewards +1 and -1, -1 drops the negatives and 1 the
    positives."""
    ratio_max: float | None = Field(1.0, gt=0)
    """Cap of the importance weight of every completion (b); empty is full importance sampling."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the TIS loss, averaged over completions (table 1, row TIS: a = 0, b = 1).

        loss = -mean[ min(pi(y|x) / mu(y|x), b) (R - c) log pi(y|x) / |y| ]

    The weight is one number per completion, not per token, and carries no gradient.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    rewards = batch.rewards - params.baseline
    log_ratio = sequence_log_ratio(logprobs.detach(), batch.behaviour_logprobs, batch.mask)
    weight = taper(log_ratio, 0.0, params.ratio_max)
    return LossOutput.of(
        -(weight * rewards * masked_mean(logprobs, batch.mask)),
        metrics={
            "weight_mean": weight.mean().item(),
            "tapered_share": share(weight != log_ratio.exp()),
        },
        weights=over_tokens(weight, batch),
    )


ALGORITHM = LLMAlgorithm(
    title="Truncated importance sampling",
    paper="arXiv:2503.14286",
    summary=(
        "Weighs positives and negatives alike by the ratio pi/mu, capped. Positives that have "
        "become unlikely are forgotten as readily as negatives."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} "
        r"\min\left( \frac{\pi(y_i \mid x_i)}{\mu(y_i \mid x_i)}, b \right) (R_i - c) \, "
        r"\frac{\log \pi(y_i \mid x_i)}{|y_i|}"
    ),
    params=Params,
    loss=loss,
    metrics=(WEIGHT_MEAN, TAPERED_SHARE),
    presets={"Full importance sampling (table 1, OPR)": {"ratio_max": None}},
    family=families.IMPORTANCE,
    colour="purple",
)
