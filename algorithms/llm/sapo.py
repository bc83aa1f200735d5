"""SAPO, Soft Adaptive Policy Optimization (Gao et al. 2025, arXiv:2511.20347)."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import StdNormalisation, normalised
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import over_tokens, policy_gradient, surrogate
from algorithms.shared.ratios import clamped_token_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
)
from algorithms.shared.weights import WEIGHT_MEAN, sigmoid_gate


class Params(Schema):
    """Hyperparameters of SAPO; every default is the paper's."""

    temperature_positive: float = Field(1.0, gt=0, le=1000)
    """Steepness of the gate for positive advantages (tau+); larger fades sooner off policy."""
    temperature_negative: float = Field(1.05, gt=0, le=1000)
    """Steepness of the gate for the other advantages (tau-)."""
    gate: Literal["objective", "weight"] = "objective"
    """objective: the gate of the ratio is maximised, its slope is the weight (the paper); weight:
    the gate itself, without gradient, is the weight of log pi (Trinity-RFT)."""
    std_normalise: StdNormalisation = "sample"
    aggregation: Aggregation = "sequence_mean"
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6) within each prompt."""
    return normalised(outcomes.rewards, outcomes.prompt_index, std=params.std_normalise)


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the loss with a soft gate in place of a clip.

        loss = -agg[ f(rho) A ],  f(rho) = (4 / tau) sigma(tau (rho - 1)),  rho = pi/mu of one token

    The coefficient of grad log pi is A rho 4 sigma (1 - sigma): A at rho = 1, fading on both sides.
    With gate = weight the loss is -agg[ sg(f(rho)) A log pi ], Trinity-RFT's (section 1.10 of the
    specification of arXiv:2509.24203), whose coefficient is A f(rho): it grows with rho. log rho is
    clamped to +-20.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    ratio = clamped_token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask).exp()
    advantages = over_tokens(batch.advantages, batch)
    temperature = torch.full_like(ratio, params.temperature_negative)
    temperature = temperature.masked_fill(advantages > 0, params.temperature_positive)
    gate = sigmoid_gate(ratio, temperature)
    penalty = reference_penalty(logprobs, batch, params)
    if params.gate == "weight":
        return policy_gradient(
            logprobs, batch, weights=gate, penalty=penalty, aggregation=params.aggregation
        )
    share = gate.detach() * temperature / 4
    return surrogate(
        gate * advantages,
        batch,
        weights=4 * share * (1 - share) * ratio,
        penalty=penalty,
        aggregation=params.aggregation,
    )


ALGORITHM = LLMAlgorithm(
    title="Soft Adaptive Policy Optimization",
    paper="arXiv:2511.20347",
    summary=(
        "Fades a token out smoothly as its ratio leaves 1, a little sooner for negatives, where "
        "PPO and GRPO would cut it off."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \frac{1}{|y_i|} \sum_{t} "
        r"\frac{4}{\tau_i} \, \sigma\left( \tau_i (\rho_{i,t} - 1) \right) A_i, \qquad "
        r"\tau_i = \begin{cases} \tau^+ & A_i > 0 \\ \tau^- & A_i \leq 0 \end{cases}"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    metrics=(WEIGHT_MEAN,),
    presets={"Trinity-RFT": {"gate": "weight", "aggregation": "token_mean"}},
    family=families.CLIPPING,
    colour="purple-dotted",
)
