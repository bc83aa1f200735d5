"""TOPR, Tapered Off-Policy REINFORCE (Le Roux et al. 2025, arXiv:2503.14286)."""

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.shared import families
from algorithms.shared.masking import masked_mean, masked_sum
from algorithms.shared.ratios import Granularity, log_ratio_over_tokens
from algorithms.shared.taper import FORGOTTEN_WEIGHT, taper
from algorithms.shared.weights import FORGOTTEN_SHARE, TAPERED_SHARE, WEIGHT_MEAN, share


class Params(Schema):
    """Hyperparameters of TOPR and its family; every default is the paper's canonical choice."""

    baseline: float = Field(0.0, ge=-1, le=1)
    """Subtracted from the reward (c). With rewards +1 and -1, -1 drops the negatives and 1 the
    positives."""
    positive_ratio_min: float = Field(1.0, ge=0)
    """Floor of the importance weight of positives (a+); 0 is no floor."""
    positive_ratio_max: float | None = Field(1.0, ge=0)
    """Cap of the importance weight of positives (b+); empty is no cap."""
    negative_ratio_min: float = Field(0.0, ge=0)
    """Floor of the importance weight of negatives (a-). Above 0 the objective has no upper bound
    and training ends in a degenerate policy."""
    negative_ratio_max: float | None = Field(1.0, ge=0)
    """Cap of the importance weight of negatives (b-); empty is no cap, 0 drops negatives."""
    ratio_granularity: Granularity = "sequence"
    """What the ratio pi/mu belongs to: the whole completion (the paper), the completion with its
    logarithm divided by length, or each token."""
    length_normalisation: bool = True
    """Divide each completion's log-probability by its number of tokens (the paper does)."""

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> "Params":
        for sign in ("positive", "negative"):
            floor, cap = getattr(self, f"{sign}_ratio_min"), getattr(self, f"{sign}_ratio_max")
            if cap is not None and floor > cap:
                raise ValueError(f"{sign}_ratio_min must not exceed {sign}_ratio_max")
        return self


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the TOPR loss, averaged over completions (eq. 3; division by length: section C.2).

        loss = -mean[ alpha (R - c) log pi(y|x) / |y| ]
        alpha = [pi(y|x) / mu(y|x)]_a^b,  (a, b) = (a+, b+) if R - c >= 0 else (a-, b-)

    alpha is one number per completion, not per token, and carries no gradient.

    Differs from the paper: the sign is that of R - c, which for its rewards (+1, -1) and baselines
    (-1 <= c <= 1) is the sign of R wherever the weight is not zero.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    rewards = batch.rewards - params.baseline
    negative = (rewards < 0).unsqueeze(-1)
    log_ratio = log_ratio_over_tokens(
        logprobs.detach(),
        batch.behaviour_logprobs,
        batch.mask,
        granularity=params.ratio_granularity,
    )
    weight = torch.where(
        negative,
        taper(log_ratio, params.negative_ratio_min, params.negative_ratio_max),
        taper(log_ratio, params.positive_ratio_min, params.positive_ratio_max),
    )
    tapered = (weight != log_ratio.exp()).float()
    over_tokens = masked_mean if params.length_normalisation else masked_sum
    mean_weight = masked_mean(weight, batch.mask)
    return LossOutput.of(
        -(rewards * over_tokens(weight * logprobs, batch.mask)),
        metrics={
            "weight_mean": mean_weight.mean().item(),
            "tapered_share": masked_mean(tapered, batch.mask).mean().item(),
            "forgotten_share": share(negative.squeeze(-1) & (mean_weight < FORGOTTEN_WEIGHT)),
        },
        weights=weight,
        kept=weight > 0,
    )


ALGORITHM = LLMAlgorithm(
    title="Tapered Off-Policy REINFORCE",
    paper="arXiv:2503.14286",
    summary=(
        "Raises positives at full strength however unlikely they have become, and pushes negatives "
        "down in proportion to the ratio pi/mu, so that they fade once the policy has left them."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \alpha_i \, (R_i - c) \, "
        r"\frac{\log \pi(y_i \mid x_i)}{|y_i|}, \qquad "
        r"\alpha_i = \begin{cases} "
        r"\left[ \pi / \mu \right]_{a^+}^{b^+} & R_i \geq c \\ "
        r"\left[ \pi / \mu \right]_{a^-}^{b^-} & R_i < c \end{cases}"
    ),
    params=Params,
    loss=loss,
    metrics=(WEIGHT_MEAN, TAPERED_SHARE, FORGOTTEN_SHARE),
    presets={
        "Fine-tuning on positives": {"negative_ratio_max": 0.0},
        "Naive REINFORCE": {"negative_ratio_min": 1.0},
        "Off-policy REINFORCE": {
            "positive_ratio_min": 0.0,
            "positive_ratio_max": None,
            "negative_ratio_max": None,
        },
        "Truncated importance sampling": {"positive_ratio_min": 0.0},
        "Positives up to PPO's clip (figure 2)": {"positive_ratio_max": 1.2},
    },
    family=families.IMPORTANCE,
    colour="blue",
)
