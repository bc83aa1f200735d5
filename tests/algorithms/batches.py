"""Batches for tests of losses: the paper's examples and random ones, all in float64."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Schema
from algorithms.shared.batches import prepare, whole_batch


@dataclass(frozen=True)
class Example:
    """A batch and log pi of its tokens."""

    logprobs: Tensor
    batch: CompletionBatch

    def loss(self, algorithm: LLMAlgorithm, params: Schema) -> float:
        """Return the loss."""
        return algorithm.loss(self.logprobs, self.batch, params).loss.item()

    def gradient(self, algorithm: LLMAlgorithm, params: Schema) -> Tensor:
        """Return d loss / d log pi, per token."""
        logprobs = self.logprobs.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(
            algorithm.loss(logprobs, self.batch, params).loss, logprobs
        )
        return gradient

    def only(self, *completions: int) -> "Example":
        """Return the example with some of its completions."""
        index = torch.tensor(completions)
        return Example(self.logprobs[index], self.batch.rows(index))

    def with_rewards(self, rewards: Tensor) -> "Example":
        """Return the example with other rewards."""
        return replace(self, batch=replace(self.batch, rewards=rewards))

    def prepared(self, algorithm: LLMAlgorithm, params: Schema) -> "Example":
        """Return the example with the algorithm's units, advantages and selection."""
        batch = prepare(self.batch, algorithm, params, logprobs=self.logprobs)
        return replace(self, batch=batch)

    def with_reference(self, reference: Tensor) -> "Example":
        """Return the example with log-probabilities of a reference policy."""
        return replace(self, batch=replace(self.batch, reference_logprobs=reference))

    def on_policy(self) -> "Example":
        """Return the example with pi = mu."""
        return replace(self, logprobs=self.batch.behaviour_logprobs.clone())

    def garbled(self, garbage: float) -> "Example":
        """Return the example with garbage in every masked position."""
        batch = self.batch
        reference = batch.reference_logprobs
        return Example(
            _outside(batch.mask, self.logprobs, garbage),
            replace(
                batch,
                behaviour_logprobs=_outside(batch.mask, batch.behaviour_logprobs, -garbage),
                reference_logprobs=None
                if reference is None
                else _outside(batch.mask, reference, garbage),
            ),
        )


def _outside(mask: Tensor, values: Tensor, garbage: float) -> Tensor:
    return torch.where(mask, values, torch.full_like(values, garbage))


def example(
    rewards: Sequence[float],
    policy: Sequence[Sequence[float]],
    behaviour: Sequence[Sequence[float]],
    *,
    prompts: Sequence[int] | None = None,
) -> Example:
    """Return completions of different lengths, padded with zeros; of a prompt each, by default."""
    width = max(map(len, policy))
    return Example(
        _padded(policy, width),
        whole_batch(
            rewards=torch.tensor(rewards, dtype=torch.float64),
            behaviour_logprobs=_padded(behaviour, width),
            mask=torch.tensor([[t < len(row) for t in range(width)] for row in policy]),
            prompt_index=torch.arange(len(rewards)) if prompts is None else torch.tensor(prompts),
        ),
    )


def _padded(rows: Sequence[Sequence[float]], width: int) -> Tensor:
    return torch.tensor([[*row, *[0.0] * (width - len(row))] for row in rows], dtype=torch.float64)


def three_sequences() -> Example:
    """Return the batch of test vector T3: ratios e^-0.1, e^-0.7, e^0.7, rewards +1, -1, -1."""
    return example(
        [1, -1, -1],
        policy=[[-1.0, -0.5], [-1.2, -0.9, -0.6], [-0.2, -0.3, -0.1, -0.4]],
        behaviour=[[-0.8, -0.6], [-0.7, -0.5, -0.8], [-0.5, -0.4, -0.3, -0.5]],
    )


@dataclass(frozen=True)
class Bandit:
    """Arms with behaviour probabilities in tenths: ten pulls are mu exactly, their mean is E_mu."""

    behaviour: Sequence[float]
    rewards: Sequence[float]

    def loss(self, algorithm: LLMAlgorithm, params: Schema, log_policy: Tensor) -> Tensor:
        """Return the algorithm's expected loss under mu, at log pi per arm."""
        arms = [arm for arm, share in enumerate(self.behaviour) for _ in range(round(10 * share))]
        assert len(arms) == 10
        index = torch.tensor(arms)
        behaviour = torch.tensor(self.behaviour, dtype=log_policy.dtype)
        batch = whole_batch(
            rewards=torch.tensor(self.rewards, dtype=log_policy.dtype)[index],
            behaviour_logprobs=behaviour.log()[index].unsqueeze(-1),
            mask=torch.ones(10, 1, dtype=torch.bool),
            prompt_index=torch.arange(10),
        )
        loss: Tensor = algorithm.loss(log_policy[index].unsqueeze(-1), batch, params).loss
        return loss

    def ascent(
        self, algorithm: LLMAlgorithm, params: Schema, policy: Sequence[float]
    ) -> list[float]:
        """Return the ascent direction -d loss / d logits of a softmax policy."""
        logits = torch.tensor(policy, dtype=torch.float64).log().requires_grad_()
        loss = self.loss(algorithm, params, logits.log_softmax(-1))
        (gradient,) = torch.autograd.grad(loss, logits)
        return [-value for value in gradient.tolist()]


_logprob = st.floats(-6, 0, allow_nan=False)


@st.composite
def examples(
    draw: st.DrawFn, *, rewards: Sequence[float] = (-1.0, 1.0), prompts: int | None = None
) -> Example:
    """Draw 1 to 5 completions of 1 to 5 tokens with rewards from a list, of some prompts."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    rows = [draw(st.lists(_logprob, min_size=n, max_size=n)) for n in lengths]
    behaviour = [draw(st.lists(_logprob, min_size=n, max_size=n)) for n in lengths]
    drawn = [draw(st.sampled_from(rewards)) for _ in lengths]
    groups = None if prompts is None else [draw(st.integers(0, prompts - 1)) for _ in lengths]
    return example(drawn, rows, behaviour, prompts=groups)


def ratios(case: Example) -> list[float]:
    """Return pi/mu per completion, by plain arithmetic."""
    log_ratio = (case.logprobs - case.batch.behaviour_logprobs) * case.batch.mask
    return [math.exp(value) for value in log_ratio.sum(-1).tolist()]
