"""TD3+BC (Fujimoto and Gu 2021, arXiv:2106.06860; constants of CORL, 6afec90)."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.control_base import ControlAlgorithm, Spaces, TransitionBatch
from algorithms.control_data.rewards import RewardParams, scaled_rewards
from algorithms.shared.control_losses import value_scale
from algorithms.shared.control_metrics import CRITIC_LOSS, VALUE
from algorithms.shared.networks import StackedMLP, TwinValues, adam, descend, follow


class Params(RewardParams):
    """Hyperparameters of TD3+BC; defaults as in CORL."""

    alpha: float = Field(2.5, ge=0, le=1000)
    """Weight of Q against imitation; 0 is behaviour cloning."""
    target_noise: float = Field(0.2, ge=0, le=2)
    """Deviation of the noise on the target policy's action."""
    target_noise_clip: float = Field(0.5, ge=0, le=2)
    """Largest noise."""
    policy_period: int = Field(2, ge=1, le=100)
    """Critic updates per update of the policy and of the targets."""
    target_update_rate: float = Field(0.005, gt=0, le=1)
    """Share by which targets follow (tau)."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the two hidden layers of policy and critics."""
    actor_learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of the policy's Adam."""
    critic_learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of the critics' Adam."""


class TD3BC(nn.Module):
    """Deterministic policy and twin critics."""

    uniforms = 0

    def __init__(self, spaces: Spaces, params: Params) -> None:
        super().__init__()
        self._params = params
        self.normals = spaces.action_size
        hidden = (params.hidden_size, params.hidden_size)
        generators = spaces.generators()
        sizes = (spaces.observation_size, *hidden, spaces.action_size)
        self.actor = StackedMLP(sizes, generators, tanh_output=True)
        inputs = spaces.observation_size + spaces.action_size
        self.critics = TwinValues((inputs, *hidden), generators)
        self.target_actor = StackedMLP(sizes, generators, tanh_output=True)
        self.target_critics = TwinValues((inputs, *hidden), generators)
        follow(self.target_actor, self.actor, 1.0)
        follow(self.target_critics, self.critics, 1.0)
        self.to(spaces.device)
        self._actor_adam = adam(self.actor.parameters(), params.actor_learning_rate, spaces.device)
        self._critic_adam = adam(
            self.critics.parameters(), params.critic_learning_rate, spaces.device
        )
        self.optimizers = (self._actor_adam, self._critic_adam)

    def course(self, step: int, _steps: int) -> int:
        """Update the policy, too, in every `policy_period`-th update."""
        return int((step + 1) % self._params.policy_period == 0)

    def schedule(self, step: int, steps: int) -> None:
        """Leave the learning rates as they are."""

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Update the critics and, every `policy_period` updates, policy and targets."""
        targets = self._targets(batch)
        values = self.critics(batch.observations, batch.actions)
        critic_losses = (values - targets).square().mean(dim=-1).sum(dim=0)
        descend(self._critic_adam, critic_losses)
        figures = {
            "critic_loss": critic_losses.detach(),
            "value_mean": values.detach()[0].mean(dim=-1),
        }
        if self.course(batch.step, batch.steps):
            figures["loss"] = self._update_policy(batch)
            rate = self._params.target_update_rate
            follow(self.target_critics, self.critics, rate)
            follow(self.target_actor, self.actor, rate)
        return figures

    @torch.no_grad()
    def _targets(self, batch: TransitionBatch) -> Float[Tensor, "S N"]:
        """Return r + discount min Q'(s', clip(pi'(s') + noise)) where something follows."""
        limit = self._params.target_noise_clip
        noise = (batch.normals * self._params.target_noise).clamp(-limit, limit)
        actions = (self.target_actor(batch.next_observations) + noise).clamp(-1, 1)
        smaller: Tensor = self.target_critics(batch.next_observations, actions).amin(dim=0)
        return batch.backup(smaller)

    def _update_policy(self, batch: TransitionBatch) -> Float[Tensor, " S"]:
        """Take one step on -lambda mean Q(s, pi(s)) + mean (pi(s) - a)^2 (equations 4 and 5)."""
        actions = self.actor(batch.observations)
        values = self.critics.first(batch.observations, actions)
        imitation: Tensor = (actions - batch.actions).square().mean(dim=(1, 2))
        losses = imitation - value_scale(values, self._params.alpha) * values.mean(dim=-1)
        descend(self._actor_adam, losses)
        return losses.detach()

    @torch.no_grad()
    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return the policy's actions."""
        actions: Tensor = self.actor(observations)
        return actions


ALGORITHM = ControlAlgorithm(
    title="TD3+BC",
    short="TD3+BC",
    paper="arXiv:2106.06860",
    colour="blue",
    summary="Raises Q of a deterministic policy and imitates the data at the same time.",
    formula=r"\mathcal{L} = -\frac{\alpha}{\mathrm{mean}|Q|} \, Q(s, \pi(s))"
    r" + \left\lVert \pi(s) - a \right\rVert^2",
    params=Params,
    build=TD3BC,
    prepare=scaled_rewards,
    metrics=(CRITIC_LOSS, VALUE),
    presets={
        "MuJoCo (CORL)": {},
        "AntMaze (CORL)": {"rewards": "minus_one"},
    },
)
