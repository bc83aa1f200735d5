"""RLOO, REINFORCE Leave-One-Out (Ahmadian et al. 2024, arXiv:2402.14740)."""

from dataclasses import replace

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import leave_one_out
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.clipping import ppo_objective
from algorithms.shared.composition import over_tokens, policy_gradient, surrogate
from algorithms.shared.ratios import clamped_token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)


class Params(Schema):
    """Hyperparameters of RLOO; every default is the paper's."""

    clip: float | None = Field(None, gt=0, le=1)
    """Half-width of PPO's clip on the ratio pi/mu of each token (0.2 in Trinity-RFT's rloo);
    empty takes neither ratio nor clip, as the paper."""
    aggregation: Aggregation = "sequence_sum"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:  # noqa: ARG001 - every advantage has this signature
    """Return A = r - mean of the other completions of the prompt."""
    return leave_one_out(outcomes.rewards, outcomes.prompt_index)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the REINFORCE loss on leave-one-out advantages.

        loss = -mean[ (r_i - 1/(K-1) sum_{j != i} r_j) log pi(y_i|x) ]

    A completion is one action: its log-probability is the sum over its tokens.

    Differs from the paper: it subtracts the divergence from a reference from the reward; here it
    is a term of the loss, without effect by default.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    penalty = reference_penalty(logprobs, batch, params)
    if params.clip is None:
        return policy_gradient(logprobs, batch, penalty=penalty, aggregation=params.aggregation)
    log_ratio = clamped_token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    advantages = over_tokens(batch.advantages, batch)
    objective, kept = ppo_objective(log_ratio, advantages, low=params.clip, high=params.clip)
    output = surrogate(
        objective,
        batch,
        weights=log_ratio.exp(),
        kept=kept,
        penalty=penalty,
        aggregation=params.aggregation,
    )
    return replace(output, metrics={})


ALGORITHM = LLMAlgorithm(
    title="REINFORCE leave-one-out",
    paper="arXiv:2402.14740",
    summary=(
        "Raises a completion that did better than the others of its prompt and pushes down one "
        "that did worse, by the difference, without any correction for being off-policy."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \left( r_i - \frac{1}{K-1} "
        r"\sum_{j \neq i} r_j \right) \log \pi(y_i \mid x_i)"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    presets={
        "Mean over tokens": {"aggregation": "token_mean"},
        "Trinity-RFT (PPO's clip)": {"clip": 0.2, "aggregation": "token_mean"},
    },
    family=families.GROUP,
    colour="vermillion-dashed",
)
