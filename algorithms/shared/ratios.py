"""log(pi/mu) per completion and per token, in nats, computed in float32 or wider."""

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.shared.clipping import LARGEST_LOG_RATIO
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


def clamped_token_log_ratio(
    logprobs: Float[Tensor, "B T"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, "B T"]:
    """Return the log ratio per token within +-20: its exponential is a float, clipped or not."""
    log_ratio = token_log_ratio(logprobs, behaviour_logprobs, mask)
    return log_ratio.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)


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


def log_ratio_over_tokens(
    logprobs: Float[Tensor, "B T"],
    behaviour_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    granularity: Granularity,
) -> Float[Tensor, "B T"]:
    """Return the log ratio that belongs to each token; 0 where the mask is False.

    sequence: that of its completion; length_normalised: the mean over its completion's tokens;
    token: its own.
    """
    if granularity == "token":
        return token_log_ratio(logprobs, behaviour_logprobs, mask)
    per_completion = sequence_log_ratio if granularity == "sequence" else mean_log_ratio
    ratio = per_completion(logprobs, behaviour_logprobs, mask)
    return keep_masked(ratio.unsqueeze(-1).expand(mask.shape), mask)
