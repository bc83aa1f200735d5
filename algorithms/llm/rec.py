"""REC, REP and their relatives: group-relative REINFORCE from blocks (arXiv:2509.24203)."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field, model_validator
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import clipping, families
from algorithms.shared.advantages import StdNormalisation, StdThreshold, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import over_tokens, policy_gradient
from algorithms.shared.ratios import log_ratio_over_tokens
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    added,
    imitation,
    needs_reference,
    reference_penalty,
    squared_log_ratio,
    squared_sequence_log_ratio,
)
from algorithms.shared.weights import CLIPPED_TOKEN_SHARE, WEIGHT_MEAN, importance_weight


class Params(Schema):
    """The blocks of REC; the defaults are REC-OneSide-NoIS (0.2, 0.2)."""

    std_normalise: StdNormalisation = "none"
    std_threshold: StdThreshold = None
    clip: Literal["none", "one_side", "two_side", "ring"] = "one_side"
    """Which tokens act. one_side: PPO's mask; two_side: only inside the band; ring: inside the
    band, or so far outside on the wrong side that the update brings them back; none: all."""
    weight: Literal["none", "importance_sampling", "truncated"] = "none"
    """Weight of a token: 1 (NoIS), the ratio pi/mu (IS), or the ratio held within the outer
    bounds."""
    ratio_granularity: Literal["token", "length_normalised"] = "token"
    """What the ratio belongs to: each token, or the whole completion with its logarithm divided by
    length (GSPO-style; take sequence_mean and narrow bounds with it)."""
    clip_low: float = Field(0.2, gt=0, le=1)
    """How far below 1 the band of the ratio reaches (epsilon, lower)."""
    clip_high: float = Field(0.2, gt=0, le=100)
    """How far above 1 the band of the ratio reaches (epsilon, upper)."""
    outer_low: float = Field(0.6, gt=0, le=1)
    """How far below 1 the outer bound lies, for ring and truncated (epsilon', lower)."""
    outer_high: float = Field(2.0, gt=0, le=100)
    """How far above 1 the outer bound lies, for ring and truncated (epsilon', upper)."""
    regulariser: Literal["none", "k2", "k2_sequence", "forward_kl"] = "none"
    """Added to the loss, for clipped tokens too. k2: squared log ratio of each token without 1/2
    (REP-OPMD); k2_sequence: of whole completions with 1/2 (Kimi); forward_kl: imitation of every
    completion (AsymRE)."""
    regulariser_coefficient: float = Field(0.1, ge=0, le=1000)
    """Weight of the regulariser (beta)."""
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001

    @model_validator(mode="after")
    def _ring_surrounds_the_band(self) -> "Params":
        inside = self.clip_low > self.outer_low or self.clip_high > self.outer_high
        if self.clip == "ring" and inside:
            raise ValueError("the outer bounds of a ring must not lie inside its band")
        return self


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - mean(r) within each prompt, divided by its deviation where asked."""
    return normalised(
        outcomes.rewards,
        outcomes.prompt_index,
        std=params.std_normalise,
        threshold=params.std_threshold,
    )


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the group-relative REINFORCE loss with weight, mask and regulariser.

        loss = -agg[ sg(W M A) log pi ] + beta agg[ regulariser ]

    Section 1.5 of the specification of arXiv:2509.24203: weight and mask are constants for the
    gradient, whose coefficient is c = W M A. The value is not comparable with PPO's.

    Differs from the authors' code: a prompt with one completion takes its reward for advantage
    (there it fails), and the token mean is exact over micro-batches.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = log_ratio_over_tokens(
        logprobs.detach(),
        batch.behaviour_logprobs,
        batch.mask,
        granularity=params.ratio_granularity,
    )
    ratio = importance_weight(log_ratio)
    tokens, completions = _regulariser(logprobs, batch, params)
    return policy_gradient(
        logprobs,
        batch,
        weights=_weight(ratio, params),
        kept=_mask(ratio, over_tokens(batch.advantages, batch), params),
        penalty=added([tokens, reference_penalty(logprobs, batch, params)]),
        sequence_penalty=completions,
        aggregation=params.aggregation,
    )


def _weight(ratio: Float[Tensor, "B T"], params: Params) -> Float[Tensor, "B T"]:
    if params.weight == "none":
        return torch.ones_like(ratio)
    if params.weight == "truncated":
        return ratio.clamp(1 - params.outer_low, 1 + params.outer_high)
    return ratio


def _mask(
    ratio: Float[Tensor, "B T"], advantages: Float[Tensor, "B T"], params: Params
) -> Bool[Tensor, "B T"]:
    low, high = params.clip_low, params.clip_high
    if params.clip == "one_side":
        return clipping.one_side(ratio, advantages, low=low, high=high)
    if params.clip == "two_side":
        return clipping.inside(ratio, low=low, high=high)
    if params.clip == "ring":
        outer = (params.outer_low, params.outer_high)
        return clipping.ring(ratio, advantages, inner=(low, high), outer=outer)
    return torch.ones_like(ratio, dtype=torch.bool)


def _regulariser(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params
) -> tuple[Float[Tensor, "B T"] | None, Float[Tensor, " B"] | None]:
    """Return the weighted regulariser: per token, or per completion, or neither."""
    weight = params.regulariser_coefficient
    if params.regulariser == "k2_sequence":
        return None, weight * squared_sequence_log_ratio(logprobs, batch)
    if params.regulariser == "k2":
        return weight * squared_log_ratio(logprobs, batch), None
    if params.regulariser == "forward_kl":
        return weight * imitation(logprobs, batch), None
    return None, None


_IS: Mapping[str, str | float] = {"weight": "importance_sampling"}
_WIDE: Mapping[str, str | float] = {"clip_low": 0.6, "clip_high": 2.0}
_GSPO: Mapping[str, str | float] = {
    "ratio_granularity": "length_normalised",
    "clip_low": 3e-4,
    "clip_high": 4e-4,
    "aggregation": "sequence_mean",
}

ALGORITHM = LLMAlgorithm(
    title="REINFORCE with clipping (REC)",
    paper="arXiv:2509.24203",
    summary=(
        "Compares the completions of one prompt and masks tokens whose ratio pi/mu has moved too "
        "far; weight, mask and regulariser are free to combine, which gives most of the others."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} "
        r"\mathrm{sg}\left( W_{i,t} M_{i,t} A_i \right) \log \pi(y_{i,t} \mid x_i, y_{i,<t}) "
        r"+ \beta \, \Omega, \qquad A_i = r_i - \bar{r}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN, CLIPPED_TOKEN_SHARE),
    presets={
        "REINFORCE (group-relative, no clip)": {"clip": "none"},
        "REC-OneSide-NoIS (0.6, 2.0)": _WIDE,
        "REC-OneSide-IS (0.2, 0.2)": _IS,
        "REC-OneSide-IS (0.6, 2.0)": {**_IS, **_WIDE},
        "REC-TwoSide-NoIS (0.2, 0.2)": {"clip": "two_side"},
        "REC-TwoSide-IS (0.2, 0.2)": {"clip": "two_side", **_IS},
        "REC-Ring-NoIS (0.2, 0.2), (0.6, 2.0)": {"clip": "ring"},
        "REC-Ring-IS (0.2, 0.2), (0.6, 2.0)": {"clip": "ring", **_IS},
        "REC-GSPO-NoIS": _GSPO,
        "REC-GSPO-IS": {**_GSPO, **_IS},
        "GRPO of the paper (OneSide-IS, deviation)": {**_IS, "std_normalise": "population"},
        "REP-OPMD (k2, 0.1)": {"clip": "none", "regulariser": "k2"},
        "REP-AsymRE (forward KL, 0.1)": {"clip": "none", "regulariser": "forward_kl"},
    },
    family=families.CLIPPING,
    colour="blue-dashed",
)
