"""A policy with two parameters, small enough to train any algorithm in milliseconds."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Schema
from algorithms.shared.batches import prepare, whole_batch

VOCABULARY = 5


@dataclass
class Toy:
    """Draws tokens by a softmax over two features, weighted by two parameters."""

    seed: int
    theta: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self.features = torch.randn(VOCABULARY, 2, generator=self.generator)
        self.theta = torch.zeros(2, requires_grad=True)

    def logprobs(self, tokens: Tensor) -> Tensor:
        """Return log pi of each token."""
        return (self.features @ self.theta).log_softmax(-1)[tokens]

    def rollouts(self, completions: int, tokens: int) -> tuple[Tensor, CompletionBatch]:
        """Return random completions, graded by their first token, and their batch."""
        drawn = torch.randint(VOCABULARY, (completions, tokens), generator=self.generator)
        lengths = torch.randint(1, tokens + 1, (completions, 1), generator=self.generator)
        mask = torch.arange(tokens) < lengths
        behaviour = self.logprobs(drawn).detach() * mask
        rewards = torch.where(drawn[:, 0] < 2, 1.0, -1.0)
        return drawn, whole_batch(rewards, behaviour, mask, torch.arange(completions) // 2)

    def train(
        self, algorithm: LLMAlgorithm, params: Schema, steps: int
    ) -> list[tuple[float, dict[str, float]]]:
        """Return loss and metrics of some gradient steps on one batch."""
        drawn, rollouts = self.rollouts(16, 4)
        rollouts = replace(rollouts, reference_logprobs=rollouts.behaviour_logprobs - 0.1)
        history = []
        for _ in range(steps):
            batch = prepare(rollouts, algorithm, params, logprobs=self.logprobs(drawn))
            output = algorithm.loss(self.logprobs(drawn), batch, params)
            (gradient,) = torch.autograd.grad(output.loss, self.theta)
            assert torch.isfinite(gradient).all()
            self.theta = (self.theta - 0.1 * gradient).detach().requires_grad_()
            history.append((output.loss.item(), dict(output.metrics)))
        return history
