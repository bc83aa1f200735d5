"""Terms that are added to a loss to keep the policy where it was; clipped tokens get them too."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch
from algorithms.shared.masking import keep_masked
from algorithms.shared.ratios import sequence_log_ratio, token_log_ratio

_LARGEST_EXPONENT = 20.0
"""k3's exponent is clamped to this: it is e^(log ref - log pi), without bound otherwise."""

ReferenceKL = Annotated[
    Literal["none", "k1", "k2", "k3"],
    Field(
        description="Estimator of the KL divergence to the reference policy that is added to the "
        "loss, per token, d = log pi - log ref: k1 = d, k2 = d^2 / 2, k3 = e^-d - 1 + d (GRPO's). "
        "Costs a forward pass of the reference."
    ),
]
ReferenceKLCoefficient = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        description="Weight of the divergence from the reference policy; without effect where no "
        "estimator is chosen.",
    ),
]


class HasReferenceKL(Protocol):
    """Settings of an algorithm that may be held at a reference policy."""

    @property
    def reference_kl(self) -> Literal["none", "k1", "k2", "k3"]:
        """The estimator."""

    @property
    def reference_kl_coefficient(self) -> float:
        """Its weight."""


def needs_reference(params: HasReferenceKL) -> bool:
    """Return whether log-probabilities of the reference policy are read."""
    return params.reference_kl != "none"


def kl_estimate(
    logprobs: Float[Tensor, "*shape"],
    reference_logprobs: Float[Tensor, "*shape"],
    *,
    kind: Literal["k1", "k2", "k3"],
) -> Float[Tensor, "*shape"]:
    """Return k1, k2 or k3 of KL(pi || reference) per token, with gradient (Schulman 2020)."""
    difference = logprobs - reference_logprobs
    if kind == "k1":
        return difference
    if kind == "k2":
        return difference**2 / 2
    return (-difference).clamp(max=_LARGEST_EXPONENT).exp() - 1 + difference


def reference_penalty(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: HasReferenceKL
) -> Float[Tensor, "B T"] | None:
    """Return the weighted divergence from the reference per token; None where none is chosen.

    Raises:
        ValueError: the batch has no log-probabilities of the reference policy.
    """
    if params.reference_kl == "none":
        return None
    if batch.reference_logprobs is None:
        raise ValueError("this loss needs log-probabilities of the reference policy")
    estimate = kl_estimate(
        keep_masked(logprobs, batch.mask),
        keep_masked(batch.reference_logprobs, batch.mask),
        kind=params.reference_kl,
    )
    return params.reference_kl_coefficient * estimate


def squared_log_ratio(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch
) -> Float[Tensor, "B T"]:
    """Return (log pi - log mu)^2 per token, without the 1/2 (REC's and OPMD's k2, token level)."""
    return token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask) ** 2


def squared_sequence_log_ratio(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch
) -> Float[Tensor, " B"]:
    """Return (log pi(y|x) - log mu(y|x))^2 / 2 per completion (Kimi's k2, sequence level)."""
    return sequence_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask) ** 2 / 2


def imitation(logprobs: Float[Tensor, "B T"], batch: CompletionBatch) -> Float[Tensor, "B T"]:
    """Return -log pi per token: KL(mu || pi) up to a constant, the forward KL of AsymRE."""
    return -keep_masked(logprobs, batch.mask)


def added(terms: Sequence[Tensor | None]) -> Tensor | None:
    """Return the sum of the terms that are there; None where there is none."""
    present = [term for term in terms if term is not None]
    return torch.stack(present).sum(0) if present else None
