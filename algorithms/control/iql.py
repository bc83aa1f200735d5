"""IQL, implicit Q-learning (Kostrikov et al. 2021, arXiv:2110.06169; constants of CORL)."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.control_base import ControlAlgorithm, Spaces, TransitionBatch
from algorithms.control_data.rewards import RewardParams, scaled_rewards
from algorithms.shared.control_losses import expectile, exponential_weight, gaussian_logprob
from algorithms.shared.control_metrics import CRITIC_LOSS, VALUE, VALUE_LOSS, WEIGHT
from algorithms.shared.networks import (
    StackedMLP,
    TwinValues,
    adam,
    cosine,
    descend,
    follow,
    set_rate,
)

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0


class Params(RewardParams):
    """Hyperparameters of IQL; defaults as in CORL."""

    expectile: float = Field(0.7, gt=0, lt=1)
    """Which expectile of Q is V (tau); 0.5 is the mean, towards 1 the best action's."""
    temperature: float = Field(3.0, ge=0, le=1000)
    """Factor of the advantage in the exponent (beta); 0 is behaviour cloning."""
    weight_max: float = Field(100.0, gt=0)
    """Cap of the regression weight."""
    target_update_rate: float = Field(0.005, gt=0, le=1)
    """Share by which the target critics follow."""
    policy: Literal["gaussian", "deterministic"] = "gaussian"
    """Likelihood that is weighted: Gaussian with one deviation for all observations, or squared
    error."""
    actor_schedule: Literal["cosine", "constant"] = "cosine"
    """How the policy's learning rate changes over the training."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the two hidden layers of every network."""
    actor_hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the two hidden layers of the policy."""
    actor_learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of the policy's Adam."""
    value_learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of the Adam of V and Q."""


class IQL(nn.Module):
    """Policy, V and twin Q."""

    normals = uniforms = 0

    def __init__(self, spaces: Spaces, params: Params) -> None:
        super().__init__()
        self._params = params
        generators = spaces.generators()
        hidden = (params.hidden_size, params.hidden_size)
        narrow = (params.actor_hidden_size, params.actor_hidden_size)
        self.actor = StackedMLP(
            (spaces.observation_size, *narrow, spaces.action_size), generators, tanh_output=True
        )
        self.log_std = nn.Parameter(torch.zeros(len(spaces.seeds), 1, spaces.action_size))
        self.value = StackedMLP((spaces.observation_size, *hidden, 1), generators)
        inputs = spaces.observation_size + spaces.action_size
        self.critics = TwinValues((inputs, *hidden), generators)
        self.target_critics = TwinValues((inputs, *hidden), generators)
        follow(self.target_critics, self.critics, 1.0)
        self.to(spaces.device)
        rate, device = params.value_learning_rate, spaces.device
        own = [*self.actor.parameters(), self.log_std]
        self._actor_adam = adam(own, params.actor_learning_rate, device)
        self._value_adam = adam(self.value.parameters(), rate, device)
        self._critic_adam = adam(self.critics.parameters(), rate, device)
        self.optimizers = (self._actor_adam, self._value_adam, self._critic_adam)

    def course(self, *_: int) -> int:
        """Do the same in every update."""
        return 0

    def schedule(self, step: int, steps: int) -> None:
        """Let the policy's learning rate fall to 0 along half a cosine, where asked."""
        if self._params.actor_schedule == "cosine":
            set_rate(self._actor_adam, cosine(self._params.actor_learning_rate, step, steps))

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Update V, then Q, then the policy by the advantage that V was updated with."""
        with torch.no_grad():
            next_values = self.value(batch.next_observations).squeeze(-1)
            best = self.target_critics(batch.observations, batch.actions).amin(dim=0)
        advantages = best - self.value(batch.observations).squeeze(-1)
        value_losses = expectile(advantages, self._params.expectile).mean(dim=-1)
        descend(self._value_adam, value_losses)
        targets = batch.backup(next_values)
        values = self.critics(batch.observations, batch.actions)
        critic_losses = (values - targets).square().mean(dim=(0, 2))
        descend(self._critic_adam, critic_losses)
        follow(self.target_critics, self.critics, self._params.target_update_rate)
        weights = exponential_weight(
            advantages.detach(), self._params.temperature, self._params.weight_max
        )
        losses = (weights * self._imitation_losses(batch)).mean(dim=-1)
        descend(self._actor_adam, losses)
        return {
            "loss": losses.detach(),
            "value_loss": value_losses.detach(),
            "critic_loss": critic_losses.detach(),
            "value_mean": values.detach()[0].mean(dim=-1),
            "regression_weight_mean": weights.mean(dim=-1),
        }

    def _imitation_losses(self, batch: TransitionBatch) -> Float[Tensor, "S N"]:
        """Return -log pi(a|s), or the squared error summed over action dimensions."""
        mean = self.actor(batch.observations)
        if self._params.policy == "deterministic":
            errors: Tensor = (mean - batch.actions).square().sum(dim=-1)
            return errors
        log_std = self.log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)
        likely: Tensor = gaussian_logprob(mean, log_std, batch.actions)
        return -likely

    @torch.no_grad()
    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return the mean of the policy."""
        actions: Tensor = self.actor(observations)
        return actions


HOPPER_LOW = {
    "policy": "deterministic",
    "rewards": "return_range",
    "target_update_rate": 0.001,
}

ALGORITHM = ControlAlgorithm(
    title="Implicit Q-learning",
    paper="arXiv:2110.06169",
    colour="green",
    summary="Learns values from the data's actions only, then imitates the good ones more.",
    formula=r"\mathcal{L} = -\min\left(e^{\beta (Q(s,a) - V(s))}, 100\right) \log \pi(a \mid s)",
    params=Params,
    build=IQL,
    prepare=scaled_rewards,
    metrics=(CRITIC_LOSS, VALUE_LOSS, VALUE, WEIGHT),
    presets={
        "MuJoCo (CORL)": {},
        "Hopper medium and medium-replay (CORL)": HOPPER_LOW,
        "Hopper medium-expert (CORL)": {"temperature": 6.0, "expectile": 0.5},
        "AntMaze (CORL)": {"expectile": 0.9, "temperature": 10.0, "rewards": "minus_one"},
        "MuJoCo (POR's repository)": {
            "normalise_observations": False,
            "actor_hidden_size": 1024,
            "actor_learning_rate": 1e-3,
            "value_learning_rate": 1e-4,
            "actor_schedule": "constant",
        },
        "AntMaze (POR's repository)": {
            "normalise_observations": False,
            "expectile": 0.9,
            "temperature": 10.0,
            "rewards": "minus_one",
            "actor_hidden_size": 1024,
            "actor_learning_rate": 1e-4,
            "value_learning_rate": 1e-4,
            "actor_schedule": "constant",
        },
    },
)
