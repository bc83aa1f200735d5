"""What every engine is asked for, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.asking import Sampling
from algorithms.base import UserError
from algorithms.data.grading import FinishReason
from algorithms.training.policy import Policy

GREEDY = -1
"""Sample number of the completion made of the likeliest tokens."""


@dataclass(frozen=True)
class Request:
    """One completion to make."""

    prompt_id: str
    sample: int
    """Number of the completion of this prompt; GREEDY takes the likeliest tokens."""
    tokens: Sequence[int]
    """The prompt."""


@dataclass(frozen=True)
class Completion:
    """What the policy wrote."""

    tokens: list[int]
    """As sampled: the end-of-sequence token included, where there is one, and so are the tokens
    that a stop text ends in."""
    finish_reason: FinishReason
    """`stop` at an end-of-sequence token or a stop text, `length` where it was cut off."""
    text: str
    """Without its end, cut before the first stop text."""
    engine_logprobs: list[float] | None = None
    """log mu per token in nats as the engine computed it, untempered; None where the engine is
    the training stack itself."""


def check_lengths(policy: Policy, requests: Sequence[Request], sampling: Sampling) -> None:
    """Let requests pass that fit the model with their completions.

    Raises:
        UserError: some do not.
    """
    longest = max((len(request.tokens) for request in requests), default=0)
    if longest + sampling.max_new_tokens > policy.max_tokens:
        raise UserError(
            f"The longest prompt has {longest} tokens; with {sampling.max_new_tokens} new ones it "
            f"does not fit the model's {policy.max_tokens}. Lower max_new_tokens, or leave out "
            "the long prompts."
        )
