"""POR, policy-guided offline RL (Xu et al. 2022, arXiv:2210.08323; its repository, e692bb3)."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.base import Metric
from algorithms.control_base import ControlAlgorithm, Spaces, TransitionBatch
from algorithms.control_data.rewards import RewardParams, scaled_rewards
from algorithms.shared.control_losses import (
    expectile,
    exponential_weight,
    gaussian_logprob,
    value_scale,
)
from algorithms.shared.control_metrics import VALUE, VALUE_LOSS, WEIGHT
from algorithms.shared.networks import (
    StackedMLP,
    TwinValues,
    adam,
    cosine,
    descend,
    follow,
    set_rate,
)

LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0
BEHAVIOUR_LEARNING_RATE = 1e-4


class Params(RewardParams):
    """Hyperparameters of POR; defaults as in its repository."""

    normalise_observations: bool = False
    """Give observations mean 0 and deviation 1 over the data (deviation + 0.001)."""
    variant: Literal["residual", "value"] = "residual"
    """residual (por_r): the guide imitates next observations, the good ones more. value (por_q):
    it raises V and stays likely under a guide that imitates all of them."""
    expectile: float = Field(0.5, gt=0, lt=1)
    """Which expectile of the one-step target is V."""
    alpha: float = Field(3.0, ge=0, le=1000)
    """residual: factor of the advantage in the exponent; value: weight of V."""
    weight_max: float = Field(100.0, gt=0)
    """Cap of the regression weight, residual only."""
    target_update_rate: float = Field(0.005, gt=0, le=1)
    """Share by which the target V follows."""
    layer_norm: bool = True
    """Normalise the hidden layers of V."""
    behaviour_share: float = Field(0.5, ge=0, lt=1)
    """value only: share of the updates, the first ones, that fit the imitating guide."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the two hidden layers of V and of the guide."""
    execute_hidden_size: int = Field(1024, ge=1, le=4096)
    """Width of the two hidden layers of the executing policy."""
    value_learning_rate: float = Field(1e-4, gt=0, le=1)
    """Of V's Adam."""
    policy_learning_rate: float = Field(1e-3, gt=0, le=1)
    """Of the Adams of guide and executing policy; falls to 0 along half a cosine."""


class Gaussian(nn.Module):
    """A network for the mean, and one log-deviation per dimension for all inputs."""

    def __init__(self, sizes: tuple[int, ...], generators: list[torch.Generator]) -> None:
        super().__init__()
        self.mean = StackedMLP(sizes, generators)
        self.log_std = nn.Parameter(torch.zeros(len(generators), 1, sizes[-1]))

    def logprob(
        self, inputs: Float[Tensor, "S N I"], value: Float[Tensor, "S N O"], *, frozen: bool = False
    ) -> Float[Tensor, "S N"]:
        """Return the log-density of a value, in nats."""
        log_std = self.bounded_log_std()
        mean = self.mean(inputs, frozen=frozen)
        return gaussian_logprob(mean, log_std.detach() if frozen else log_std, value)

    def bounded_log_std(self) -> Tensor:
        """Return the log-deviation within its bounds."""
        return self.log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)


class POR(nn.Module):
    """Guide s -> s', executing policy (s, s') -> a, twin V."""

    uniforms = 0

    def __init__(self, spaces: Spaces, params: Params) -> None:
        super().__init__()
        self._params = params
        size, generators, device = spaces.observation_size, spaces.generators(), spaces.device
        hidden = (params.hidden_size, params.hidden_size)
        wide = (params.execute_hidden_size, params.execute_hidden_size)
        self.normals = size if params.variant == "value" else 0
        self.values = TwinValues((size, *hidden), generators, layer_norm=params.layer_norm)
        self.target_values = TwinValues((size, *hidden), generators, layer_norm=params.layer_norm)
        follow(self.target_values, self.values, 1.0)
        self.guide = Gaussian((size, *hidden, size), generators)
        self.execute = Gaussian((2 * size, *wide, spaces.action_size), generators)
        self.behaviour_guide = Gaussian((size, *hidden, size), generators)
        self.to(device)
        rate = params.policy_learning_rate
        self._value_adam = adam(self.values.parameters(), params.value_learning_rate, device)
        self._guide_adam = adam(self.guide.parameters(), rate, device)
        self._execute_adam = adam(self.execute.parameters(), rate, device)
        self._behaviour_adam = adam(
            self.behaviour_guide.parameters(), BEHAVIOUR_LEARNING_RATE, device
        )
        self.optimizers = (
            self._value_adam, self._guide_adam, self._execute_adam, self._behaviour_adam,
        )  # fmt: skip

    def _behaviour_steps(self, steps: int) -> int:
        """Return how many updates fit the imitating guide before the others begin."""
        value = self._params.variant == "value"
        return round(self._params.behaviour_share * steps) if value else 0

    def course(self, step: int, steps: int) -> int:
        """Fit the imitating guide first, then the rest."""
        return int(step >= self._behaviour_steps(steps))

    def schedule(self, step: int, steps: int) -> None:
        """Let the rates of guide and executing policy fall along half a cosine."""
        first = self._behaviour_steps(steps)
        rate = cosine(self._params.policy_learning_rate, max(0, step - first), steps - first)
        set_rate(self._guide_adam, rate)
        set_rate(self._execute_adam, rate)

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Update V, guide and executing policy, or at first the imitating guide only."""
        if not self.course(batch.step, batch.steps):
            losses = -self.behaviour_guide.logprob(batch.observations, batch.next_observations)
            descend(self._behaviour_adam, losses.mean(dim=-1))
            return {"behaviour_loss": losses.detach().mean(dim=-1)}
        with torch.no_grad():
            following = self.target_values(batch.next_observations).amin(dim=0)
        targets = batch.backup(following)
        errors = targets - self.values(batch.observations)
        value_losses = expectile(errors, self._params.expectile).mean(dim=(0, 2))
        descend(self._value_adam, value_losses)
        follow(self.target_values, self.values, self._params.target_update_rate)
        with torch.no_grad():
            values = self.values(batch.observations).amin(dim=0)
        guide_losses, figures = self._guide_losses(batch, targets - values)
        descend(self._guide_adam, guide_losses)
        both = torch.cat([batch.observations, batch.next_observations], dim=-1)
        losses = -self.execute.logprob(both, batch.actions).mean(dim=-1)
        descend(self._execute_adam, losses)
        return {
            "loss": losses.detach(),
            "guide_loss": guide_losses.detach(),
            "value_loss": value_losses.detach(),
            "value_mean": values.mean(dim=-1),
            **figures,
        }

    def _guide_losses(
        self, batch: TransitionBatch, advantages: Float[Tensor, "S N"]
    ) -> tuple[Float[Tensor, " S"], dict[str, Tensor]]:
        """Return the guide's loss of each policy, and figures of its weights."""
        params = self._params
        if params.variant == "residual":
            weights = exponential_weight(advantages, params.alpha, params.weight_max)
            likely = self.guide.logprob(batch.observations, batch.next_observations)
            losses = -(weights * likely).mean(dim=-1)
            return losses, {"regression_weight_mean": weights.mean(dim=-1)}
        mean = self.guide.mean(batch.observations)
        drawn = mean + self.guide.bounded_log_std().exp() * batch.normals
        values = self.values(drawn, frozen=True).amin(dim=0)
        likely = self.behaviour_guide.logprob(batch.observations, drawn, frozen=True)
        return -(value_scale(values, params.alpha)[:, None] * values + likely).mean(dim=-1), {}

    @torch.no_grad()
    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return the executing policy's mean towards the guide's mean, within [-1, 1]."""
        ahead = self.guide.mean(observations)
        actions: Tensor = self.execute.mean(torch.cat([observations, ahead], dim=-1))
        return actions.clamp(-1, 1)


ANTMAZE = {"expectile": 0.9, "alpha": 10.0, "layer_norm": False, "rewards": "minus_one"}
HOPPER = {"variant": "value", "expectile": 0.7, "alpha": 50.0, "layer_norm": False}

ALGORITHM = ControlAlgorithm(
    title="Policy-guided offline RL",
    paper="arXiv:2210.08323",
    colour="sky",
    summary="One network says which state should follow, another which action leads there.",
    formula=r"\mathcal{L} = -\min\left(e^{\alpha (r + \gamma V(s') - V(s))}, 100\right)"
    r" \log g(s' \mid s) - \log \pi(a \mid s, s')",
    params=Params,
    build=POR,
    prepare=scaled_rewards,
    metrics=(
        VALUE_LOSS,
        VALUE,
        WEIGHT,
        Metric("guide_loss", "Loss of the guide"),
        Metric(
            "behaviour_loss",
            "Loss of the imitating guide",
            help="Minus the log-density of the next observation, in nats; first updates only.",
        ),
    ),
    presets={
        "MuJoCo (POR's repository)": {},
        "Hopper medium and medium-replay (POR's repository)": HOPPER,
        "Hopper medium-expert (POR's repository)": HOPPER | {"alpha": 5.0, "layer_norm": True},
        "AntMaze (POR's repository)": ANTMAZE | {"policy_learning_rate": 1e-4},
        "AntMaze umaze (POR's repository)": ANTMAZE,
    },
)
