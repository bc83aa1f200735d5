"""GRPO, Group Relative Policy Optimization (Shao et al. 2024, arXiv:2402.03300)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, StdThreshold, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import ppo_objective
from algorithms.shared.composition import over_tokens, surrogate
from algorithms.shared.ratios import clamped_token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import CLIPPED_TOKEN_SHARE, WEIGHT_MEAN


class Params(Schema):
    """Hyperparameters of GRPO; the defaults are those of the experiments of arXiv:2509.24203."""

    clip_low: float = Field(0.2, gt=0, le=1)
    """How far below 1 the ratio of a token may fall before a negative advantage stops acting
    (epsilon, lower)."""
    clip_high: float = Field(0.2, gt=0, le=100)
    """How far above 1 the ratio of a token may rise before a positive advantage stops acting
    (epsilon, upper)."""
    dual_clip: float | None = Field(None, gt=1, le=1000)
    """Ratio above which a negative advantage stops acting too (c; 3 in Trinity-RFT and verl);
    empty leaves it out, as the paper's experiments do."""
    std_normalise: StdNormalisation = "sample"
    std_threshold: StdThreshold = None
    aggregation: Aggregation = "token_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6) within each prompt."""
    return normalised(
        outcomes.rewards,
        outcomes.prompt_index,
        std=params.std_normalise,
        threshold=params.std_threshold,
    )


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return PPO's clipped loss per token, on group-relative advantages.

        loss = -agg[ min(rho A, [rho]_{1-low}^{1+high} A) ] + beta agg[ KL(pi || ref) ]

    rho = pi/mu of one token, log rho clamped to +-20; it carries the gradient. Section 1.4 of
    the specification of arXiv:2509.24203, whose experiments run it without dual clip and with
    beta = 0.

    Differs from the paper: arXiv:2402.03300 averages over completions (sequence_mean) and adds k3
    with 0.04, which is the preset DeepSeekMath; the defaults are those of arXiv:2509.24203.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    log_ratio = clamped_token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    objective, kept = ppo_objective(
        log_ratio,
        over_tokens(batch.advantages, batch),
        low=params.clip_low,
        high=params.clip_high,
        dual=params.dual_clip,
    )
    return surrogate(
        objective,
        batch,
        weights=log_ratio.exp(),
        kept=kept,
        penalty=reference_penalty(logprobs, batch, params),
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Group Relative Policy Optimization",
    paper="arXiv:2402.03300",
    summary=(
        "Compares the completions of one prompt with each other, in units of their standard "
        "deviation, and stops each token once PPO's clip says it has moved far enough."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{\sum_i |y_i|} \sum_{i,t} "
        r"\min\left( \rho_{i,t} A_i, \left[ \rho_{i,t} \right]_{1-\epsilon_l}^{1+\epsilon_h} A_i "
        r"\right) + \beta \, \mathrm{KL}(\pi \,\|\, \mathrm{ref}), \qquad "
        r"A_i = \frac{r_i - \bar{r}}{s + 10^{-6}}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN, CLIPPED_TOKEN_SHARE),
    presets={
        "DeepSeekMath": {
            "aggregation": "sequence_mean",
            "reference_kl": "k3",
            "reference_kl_coefficient": 0.04,
        },
        "Trinity-RFT (dual clip)": {"dual_clip": 3.0},
        "Dr. GRPO (no deviation, sum over tokens)": {
            "std_normalise": "none",
            "aggregation": "sequence_sum",
        },
    },
    family=families.CLIPPING,
    colour="ink",
)
