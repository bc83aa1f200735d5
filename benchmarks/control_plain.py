"""TD3+BC, IQL and CQL as a plain PyTorch loop: what single-file implementations do.

Built like CORL's files: a numpy generator draws rows, five tensors are gathered one by one, twin
critics are two modules with an Adam each, targets follow weight by weight, figures are read out
with `item()` in every step.
"""

import copy
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

DISCOUNT, TAU, BATCH = 0.99, 0.005, 256


def perceptron(sizes: list[int], output: type[nn.Module] | None = None) -> nn.Sequential:
    """Return linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for place, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(inputs, outputs))
        if place < len(sizes) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers, *([output()] if output else []))


class Buffer:
    """Five tensors and a numpy generator."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]], seed: int) -> None:
        self._tensors = [torch.from_numpy(values) for values in arrays.values()]
        self._random = np.random.RandomState(seed)

    def sample(self) -> list[Tensor]:
        """Return observations, actions, rewards, next observations and ends."""
        rows = self._random.randint(0, len(self._tensors[0]), size=BATCH)
        return [tensor[rows] for tensor in self._tensors]


def soft_update(target: nn.Module, source: nn.Module) -> None:
    """Let a target follow, weight by weight."""
    for old, new in zip(target.parameters(), source.parameters(), strict=True):
        old.data.copy_((1 - TAU) * old.data + TAU * new.data)


def adam(module: nn.Module, rate: float) -> torch.optim.Adam:
    """Return Adam as it comes."""
    return torch.optim.Adam(module.parameters(), lr=rate)


def descend(loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
    """Take one step."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for optimizer in optimizers:
        optimizer.step()


def critic(size: int, layers: int) -> nn.Sequential:
    """Return one Q network."""
    return perceptron([size, *[256] * layers, 1])


class TD3BC:
    """TD3+BC."""

    def __init__(self, observations: int, actions: int) -> None:
        both = observations + actions
        self.actor = perceptron([observations, 256, 256, actions], nn.Tanh)
        self.critics = [critic(both, 2) for _ in range(2)]
        self.targets = copy.deepcopy(self.critics)
        self.target_actor = copy.deepcopy(self.actor)
        self.actor_adam = adam(self.actor, 3e-4)
        self.critic_adams = [adam(each, 3e-4) for each in self.critics]
        self.done = 0

    def train(self, batch: list[Tensor]) -> dict[str, float]:
        """Take one step."""
        self.done += 1
        state, action, reward, following, ends = batch
        with torch.no_grad():
            noise = (torch.randn_like(action) * 0.2).clamp(-0.5, 0.5)
            proposed = (self.target_actor(following) + noise).clamp(-1, 1)
            pair = torch.cat([following, proposed], 1)
            smaller = torch.min(*(each(pair) for each in self.targets))
            target = reward + (1 - ends) * DISCOUNT * smaller
        taken = torch.cat([state, action], 1)
        losses = [functional.mse_loss(each(taken), target) for each in self.critics]
        loss = losses[0] + losses[1]
        found = {"critic_loss": loss.item()}
        descend(loss, *self.critic_adams)
        if self.done % 2 == 0:
            chosen = self.actor(state)
            value = self.critics[0](torch.cat([state, chosen], 1))
            scale = 2.5 / value.abs().mean().detach()
            actor_loss = -scale * value.mean() + functional.mse_loss(chosen, action)
            found["actor_loss"] = actor_loss.item()
            descend(actor_loss, self.actor_adam)
            for target_net, net in zip(self.targets, self.critics, strict=True):
                soft_update(target_net, net)
            soft_update(self.target_actor, self.actor)
        return found


class IQL:
    """Implicit Q-learning."""

    def __init__(self, observations: int, actions: int) -> None:
        both = observations + actions
        self.actor = perceptron([observations, 256, 256, actions], nn.Tanh)
        self.log_std = nn.Parameter(torch.zeros(actions))
        self.value = critic(observations, 2)
        self.critics = nn.ModuleList([critic(both, 2) for _ in range(2)])
        self.targets = copy.deepcopy(self.critics)
        own = [*self.actor.parameters(), self.log_std]
        self.actor_adam = torch.optim.Adam(own, lr=3e-4)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.actor_adam, 1_000_000)
        self.value_adam, self.critic_adam = adam(self.value, 3e-4), adam(self.critics, 3e-4)

    def train(self, batch: list[Tensor]) -> dict[str, float]:
        """Take one step."""
        state, action, reward, following, ends = batch
        taken = torch.cat([state, action], 1)
        with torch.no_grad():
            next_value = self.value(following)
            best = torch.min(*(each(taken) for each in self.targets))
        advantage = best - self.value(state)
        value_loss = torch.mean(torch.abs(0.7 - (advantage < 0).float()) * advantage**2)
        found = {"value_loss": value_loss.item()}
        descend(value_loss, self.value_adam)
        target = reward + (1 - ends) * DISCOUNT * next_value.detach()
        critic_loss = (
            functional.mse_loss(self.critics[0](taken), target)
            + functional.mse_loss(self.critics[1](taken), target)
        ) / 2
        found["critic_loss"] = critic_loss.item()
        descend(critic_loss, self.critic_adam)
        soft_update(self.targets, self.critics)
        weight = torch.exp(3.0 * advantage.detach()).clamp(max=100.0)
        std = torch.exp(self.log_std.clamp(-20, 2))
        policy = torch.distributions.Normal(self.actor(state), std)
        losses = -policy.log_prob(action).sum(-1, keepdim=True)  # type: ignore[no-untyped-call]
        actor_loss = torch.mean(weight * losses)
        found["actor_loss"] = actor_loss.item()
        descend(actor_loss, self.actor_adam)
        self.schedule.step()
        return found


class CQL:
    """Conservative Q-learning."""

    DRAWN = 10

    def __init__(self, observations: int, actions: int) -> None:
        both = observations + actions
        self._size = actions
        self.actor = perceptron([observations, 256, 256, 256, 2 * actions])
        self.critics = [critic(both, 3) for _ in range(2)]
        self.targets = copy.deepcopy(self.critics)
        self.log_alpha = nn.Parameter(torch.zeros(()))
        self.actor_adam = adam(self.actor, 3e-5)
        self.alpha_adam = torch.optim.Adam([self.log_alpha], lr=3e-5)
        self.critic_adams = [adam(each, 3e-4) for each in self.critics]

    def _sample(self, state: Tensor, repeat: int = 0) -> tuple[Tensor, Tensor]:
        if repeat:
            state = state.unsqueeze(1).repeat_interleave(repeat, dim=1)
        mean, log_std = torch.split(self.actor(state), self._size, dim=-1)
        normal = torch.distributions.Normal(mean, torch.exp((log_std - 1).clamp(-20, 2)))
        squashed = torch.distributions.TransformedDistribution(
            normal, torch.distributions.TanhTransform(cache_size=1)
        )
        action = squashed.rsample()
        return action, squashed.log_prob(action).sum(-1)  # type: ignore[no-untyped-call]

    def _value(self, network: nn.Module, state: Tensor, action: Tensor) -> Tensor:
        if action.ndim == 2:
            value: Tensor = network(torch.cat([state, action], -1)).squeeze(-1)
            return value
        several = state.unsqueeze(1).repeat_interleave(action.shape[1], dim=1)
        flat = torch.cat([several, action], -1).reshape(-1, several.shape[-1] + action.shape[-1])
        found: Tensor = network(flat).reshape(len(state), -1)
        return found

    def train(self, batch: list[Tensor]) -> dict[str, float]:
        """Take one step."""
        state, action, reward, following, ends = batch
        new, log_pi = self._sample(state)
        alpha = self.log_alpha.exp()
        alpha_loss = -(self.log_alpha * (log_pi - self._size).detach()).mean()
        smaller = torch.min(*(self._value(each, state, new) for each in self.critics))
        actor_loss = (alpha * log_pi - smaller).mean()
        next_action, _ = self._sample(following)
        with torch.no_grad():
            ahead = torch.min(*(self._value(each, following, next_action) for each in self.targets))
            target = reward[:, 0] + (1 - ends[:, 0]) * DISCOUNT * ahead
        uniform = action.new_empty((len(action), self.DRAWN, self._size)).uniform_(-1, 1)
        here, there = self._sample(state, self.DRAWN), self._sample(following, self.DRAWN)
        loss = torch.zeros(())
        for network in self.critics:
            predicted = self._value(network, state, action)
            parts = (
                self._value(network, state, uniform) - self._size * np.log(0.5),
                self._value(network, state, there[0].detach()) - there[1].detach(),
                self._value(network, state, here[0].detach()) - here[1].detach(),
            )
            gap = (torch.logsumexp(torch.cat(parts, 1), 1) - predicted).mean()
            loss = loss + functional.mse_loss(predicted, target) + 10.0 * gap
        found = {"critic_loss": loss.item(), "actor_loss": actor_loss.item()}
        descend(alpha_loss, self.alpha_adam)
        self.actor_adam.zero_grad()
        actor_loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]
        self.actor_adam.step()
        descend(loss, *self.critic_adams)
        for target_net, net in zip(self.targets, self.critics, strict=True):
            soft_update(target_net, net)
        return found


PLAIN: Mapping[str, Callable[[int, int], TD3BC | IQL | CQL]] = {
    "td3_bc": TD3BC,
    "iql": IQL,
    "cql": CQL,
}
