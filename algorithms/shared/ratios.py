"""log(pi/mu) per completion and per token, in nats, computed in float32 or wider."""

from collections.abc import Callable, Mapping
from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.shared.masking import keep_masked, masked_mean, masked_sum

Granularity = Literal["sequence", "length_normalised", "token"]
"""What one importance ratio belongs to."""


def token_log_ratio(
    logprobs: Float[Tensor, "B T"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, "B T"]:
    """Return log pi(y_t|.) - log mu(y_t|.) per token; 0 where the mask is False.

    Each side is widened before the subtraction, so pi = mu gives exactly 0.
    """
    return keep_masked(logprobs, mask) - keep_masked(behaviour_logprobs, mask)


def sequence_log_ratio(
    logprobs: Float[Tensor, "B T"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, " B"]:
    """Return log x = log pi(y|x) - log mu(y|x) per completion: the product over its tokens."""
    return masked_sum(token_log_ratio(logprobs, behaviour_logprobs, mask), mask)


def mean_log_ratio(
    logprobs: Float[Tensor, "B T"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, " B"]:
    """Return log x / |y| per completion: the logarithm of the geometric mean over its tokens."""
    return masked_mean(token_log_ratio(logprobs, behaviour_logprobs, mask), mask)


LogRatio = Callable[..., Float[Tensor, "B _"]]

LOG_RATIOS: Mapping[Granularity, LogRatio] = {
    "sequence": lambda *args: sequence_log_ratio(*args).unsqueeze(-1),
    "length_normalised": lambda *args: mean_log_ratio(*args).unsqueeze(-1),
    "token": token_log_ratio,
}
"""log ratio by granularity; shape (B, 1) or (B, T), so that it broadcasts over tokens."""
