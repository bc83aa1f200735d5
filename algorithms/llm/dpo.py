"""DPO, Direct Preference Optimization (Rafailov et al. 2023, arXiv:2305.18290)."""

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Metric, Schema
from algorithms.shared import families
from algorithms.shared.pairs import preference_pairs
from algorithms.shared.ratios import mean_log_ratio, sequence_log_ratio

ACCURACY = Metric(
    "preference_accuracy",
    label="Preference accuracy",
    better="higher",
    help="Share of the batch's completions whose pair has the better one favoured: the log ratio "
    "of the winner is larger than that of the loser.",
)
MARGIN = Metric(
    "preference_margin",
    label="Preference margin",
    help="Mean over pairs of beta times the log ratio of the winner minus that of the loser.",
)


class Params(Schema):
    """Hyperparameters of DPO."""

    beta: float = Field(0.1, gt=0, le=100)
    """Strength of the pull towards the anchor: the smaller, the farther the policy may go. TOPR
    does not give its value; 0.1 is what is usual."""
    length_normalisation: bool = False
    """Divide each log ratio by the number of tokens of its completion."""
    anchor: Literal["behaviour", "reference"] = "behaviour"
    """What the ratios are taken against: the policy that wrote the completions (TOPR, appendix A),
    or the reference policy, at the price of a forward pass."""


def needs_reference(params: Params) -> bool:
    """Return whether the reference policy is the anchor."""
    return params.anchor == "reference"


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the logistic loss of the pairs in the batch.

        loss = -mean over pairs[ log sigma(beta (log pi(y_w)/mu(y_w) - log pi(y_l)/mu(y_l))) ]

    Appendix A of TOPR (arXiv:2503.14286): pairs are a better and a worse completion of a prompt.
    As a mean over completions, each of a pair carries the loss of the pair; a completion without
    a partner of another reward carries 0.

    Differs from the paper: TOPR gives neither beta nor its rule of pairing; pairs are made by the
    trainer, and beta is what is usual.

    Args:
        logprobs: log pi of each token under the current policy, in nats, with gradient.

    Raises:
        ValueError: the anchor is the reference, and the batch has no log-probabilities of it.
    """
    anchor = batch.behaviour_logprobs
    if params.anchor == "reference":
        if batch.reference_logprobs is None:
            raise ValueError("this loss needs log-probabilities of the reference policy")
        anchor = batch.reference_logprobs
    log_ratio = mean_log_ratio if params.length_normalisation else sequence_log_ratio
    score = params.beta * log_ratio(logprobs, anchor, batch.mask)
    winners, losers = preference_pairs(batch.rewards, batch.unit_index)
    margin = score[winners] - score[losers]
    per_pair = softplus(-margin)
    losses = score.detach().new_zeros(len(batch.rewards))
    losses[winners] = losses[losers] = per_pair.detach()
    per_completion = 2 / len(batch.rewards)
    return LossOutput(
        loss=per_pair.sum() * per_completion,
        losses=losses,
        metrics={
            ACCURACY.name: (margin > 0).sum().item() * per_completion,
            MARGIN.name: margin.sum().item() * per_completion,
        },
    )


ALGORITHM = LLMAlgorithm(
    title="Direct Preference Optimization",
    paper="arXiv:2305.18290",
    summary=(
        "Widens the gap between a better and a worse completion of the same prompt, less the wider "
        "it is already; what either of them is worth by itself does not matter."
    ),
    formula=(
        r"\mathcal{L} = -\frac{1}{P} \sum_{p=1}^{P} \log \sigma\left( "
        r"\beta \log \frac{\pi(y_w \mid x)}{\mu(y_w \mid x)} - "
        r"\beta \log \frac{\pi(y_l \mid x)}{\mu(y_l \mid x)} \right)"
    ),
    params=Params,
    loss=loss,
    needs_reference=needs_reference,
    unit="pair",
    metrics=(ACCURACY, MARGIN),
    presets={"Length-normalised": {"length_normalisation": True}},
    family=families.PREFERENCE,
    colour="sky-dotted",
)
