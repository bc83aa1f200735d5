"""OPMD, Online Policy Mirror Descent, in its four forms (Kimi k1.5 2025, arXiv:2501.12599)."""

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Outcomes, Schema
from algorithms.shared import families
from algorithms.shared.advantages import log_mean_exp_centred, mean_centred
from algorithms.shared.aggregation import Aggregation
from algorithms.shared.composition import policy_gradient
from algorithms.shared.groups import groups_of
from algorithms.shared.ratios import sequence_log_ratio
from algorithms.shared.regularisers import (
    ReferenceKL,
    ReferenceKLCoefficient,
    needs_reference,
    reference_penalty,
    squared_log_ratio,
    squared_sequence_log_ratio,
)


class Params(Schema):
    """Hyperparameters of OPMD."""

    form: Literal["kimi", "token_k2", "pairwise", "simple"] = "kimi"
    """kimi: REINFORCE and the squared log ratio of whole completions with 1/2 (the paper);
    token_k2: the squares of single tokens without 1/2 (Trinity-RFT's regularizer k2); pairwise:
    squared differences within each prompt; simple: REINFORCE divided by 1 + tau (Trinity-RFT's
    opmd)."""
    temperature: float = Field(0.1, gt=0, le=1000)
    """Strength of the anchor (tau): weight of Kimi's square, of the log ratio in pairwise, divisor
    1 + tau in simple, and temperature of the log_mean_exp baseline."""
    penalty_coefficient: float = Field(0.1, ge=0, le=1000)
    """Weight of the squares of token_k2; the other forms do not read it."""
    baseline: Literal["mean", "log_mean_exp"] = "mean"
    """What is subtracted from the reward: the mean of the prompt, or tau log mean exp(r/tau),
    Kimi's estimate of the partition function. Pairwise has none."""
    aggregation: Aggregation = "token_mean"
    """How tokens are averaged in token_k2 and simple (sequence_mean, token_mean, sequence_sum);
    kimi and pairwise are about sums over whole completions."""
    reference_kl: ReferenceKL = "none"
    reference_kl_coefficient: ReferenceKLCoefficient = 0.001


def advantage(outcomes: Outcomes, params: Params) -> Float[Tensor, " B"]:
    """Return A = r - baseline within each prompt."""
    if params.baseline == "mean":
        return mean_centred(outcomes.rewards, outcomes.prompt_index)
    return log_mean_exp_centred(
        outcomes.rewards, outcomes.prompt_index, temperature=params.temperature
    )


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the loss of one of the four forms, d = log pi(y|x) - log mu(y|x).

        kimi      -mean[ A log pi(y|x) ] + tau/2 mean[ d^2 ]
        token_k2  -agg[ A log pi ] + coefficient agg[ (log pi - log mu)^2 ], per token
        pairwise  mean over prompts of 1/K^2 sum_{i<j} (a_i - a_j)^2,  a = r - tau d
        simple    -agg[ A log pi ] / (1 + tau)

    Section 1.6 of the specification of arXiv:2509.24203; the anchor is the policy that wrote the
    completions. Kimi's own square (r - tau log Z - tau d)^2, divided by 2 tau, has the gradient
    of `kimi` with the log_mean_exp baseline. The pairwise sum is K sum_i (a_i - mean(a))^2; its
    gradient at pi = mu is 2 tau times that of group-relative REINFORCE.

    Differs from the paper: it gives no tau for Kimi's form and the pairwise one; the default 0.1 is
    Trinity-RFT's coefficient of token_k2.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.
    """
    penalty = reference_penalty(logprobs, batch, params)
    if params.form == "pairwise":
        return _pairwise(logprobs, batch, params, penalty)
    if params.form == "kimi":
        return policy_gradient(
            logprobs,
            batch,
            penalty=penalty,
            sequence_penalty=params.temperature * squared_sequence_log_ratio(logprobs, batch),
            aggregation="sequence_sum",
        )
    if params.form == "token_k2":
        squares = params.penalty_coefficient * squared_log_ratio(logprobs, batch)
        return policy_gradient(
            logprobs,
            batch,
            penalty=squares if penalty is None else squares + penalty,
            aggregation=params.aggregation,
        )
    advantages = (batch.advantages / (1 + params.temperature)).unsqueeze(-1)
    return policy_gradient(
        logprobs,
        batch,
        advantages=advantages.expand(batch.mask.shape),
        penalty=penalty,
        aggregation=params.aggregation,
    )


def _pairwise(
    logprobs: Float[Tensor, "B T"],
    batch: CompletionBatch,
    params: Params,
    penalty: Float[Tensor, "B T"] | None,
) -> LossOutput:
    """Return the pairwise surrogate; a lone completion of a prompt has nobody to differ from."""
    log_ratio = sequence_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
    value = batch.rewards - params.temperature * log_ratio
    squares = (value - _mean_of_prompt(value, batch)) ** 2
    nothing = logprobs.detach().new_zeros(batch.mask.shape)
    return policy_gradient(
        logprobs,
        batch,
        advantages=nothing,
        penalty=penalty,
        sequence_penalty=squares,
        aggregation="sequence_sum",
    )


def _mean_of_prompt(values: Float[Tensor, " B"], batch: CompletionBatch) -> Float[Tensor, " B"]:
    """Return the mean over the completions of the same unit, with gradient."""
    group, sizes = groups_of(batch.unit_index)
    sums = values.new_zeros(len(sizes)).index_add(0, group, values)
    mean: Tensor = sums / sizes
    return mean[group]


ALGORITHM = LLMAlgorithm(
    title="Online policy mirror descent",
    paper="arXiv:2501.12599",
    summary=(
        "Raises what did better than the mean of its prompt and pushes down what did worse, while "
        "a square of the log ratio pulls the policy back to the one that wrote the completions."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} (r_i - \bar{r}) \log \pi(y_i \mid x_i) + "
        r"\frac{\tau}{2 B} \sum_{i=1}^{B} \left( "
        r"\log \frac{\pi(y_i \mid x_i)}{\mu(y_i \mid x_i)} \right)^2"
    ),
    params=Params,
    loss=loss,
    advantage=advantage,
    needs_reference=needs_reference,
    unit="prompt",
    presets={
        "Kimi k1.5 (log-mean-exp baseline)": {"baseline": "log_mean_exp"},
        "REP-OPMD (token level, Trinity-RFT)": {"form": "token_k2"},
        "Pairwise": {"form": "pairwise"},
        "Embarrassingly simple (Trinity-RFT's opmd)": {"form": "simple", "temperature": 1.0},
    },
    family=families.GROUP,
    colour="green-dashed",
)
