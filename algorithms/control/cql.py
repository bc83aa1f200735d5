"""CQL(H), conservative Q-learning (Kumar et al. 2020, arXiv:2006.04779; constants of CORL)."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.base import Metric
from algorithms.control_base import ControlAlgorithm, Spaces, TransitionBatch
from algorithms.control_data.rewards import RewardParams, scaled_rewards
from algorithms.shared.control_losses import conservative_gap
from algorithms.shared.control_metrics import CRITIC_LOSS, VALUE
from algorithms.shared.networks import TwinValues, adam, descend, follow
from algorithms.shared.squashed import SquashedGaussian

GAP_WEIGHT_MAX = 1e6
HIDDEN_GAIN, LAST_GAIN = math.sqrt(2), 1e-2


class Params(RewardParams):
    """Hyperparameters of CQL; defaults as in CORL."""

    gap_weight: float = Field(10.0, ge=0, le=1000)
    """Weight of the conservative gap (cql_alpha)."""
    candidates: int = Field(10, ge=1, le=100)
    """Actions drawn per observation: uniformly, from the policy there and at the next one."""
    temperature: float = Field(1.0, gt=0, le=100)
    """Of the soft maximum over candidate actions."""
    importance_sampling: bool = True
    """Subtract the log-density of each candidate."""
    target_gap: float | None = None
    """Gap that a Lagrange multiplier aims at; empty keeps gap_weight as it is."""
    gap_min: float | None = None
    """Smaller gaps count as this; empty sets no limit."""
    max_backup: bool = False
    """Bootstrap from the best of `candidates` next actions instead of one."""
    target_update_rate: float = Field(0.005, gt=0, le=1)
    """Share by which the target critics follow."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of all hidden layers."""
    critic_layers: int = Field(3, ge=1, le=16)
    """Hidden layers of the critics."""
    actor_layers: int = Field(3, ge=1, le=16)
    """Hidden layers of the policy."""
    orthogonal: bool = True
    """Start the critics from orthogonal weights."""
    actor_learning_rate: float = Field(3e-5, gt=0, le=1)
    """Of the Adam of policy and entropy weight."""
    critic_learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of the Adam of critics and multiplier."""


class CQL(nn.Module):
    """Squashed Gaussian policy, twin critics, entropy weight and gap multiplier."""

    def __init__(self, spaces: Spaces, params: Params) -> None:
        super().__init__()
        self._params = params
        self._action_size = spaces.action_size
        drawn = params.candidates * spaces.action_size
        backup = drawn if params.max_backup else spaces.action_size
        self.normals = spaces.action_size + backup + 2 * drawn
        self.uniforms = drawn
        generators, device = spaces.generators(), spaces.device
        widths = (params.hidden_size,) * params.actor_layers
        self.actor = SquashedGaussian(
            spaces.observation_size, widths, spaces.action_size, generators
        )
        sizes = (
            spaces.observation_size + spaces.action_size,
            *(params.hidden_size,) * params.critic_layers,
        )
        self.critics = TwinValues(sizes, generators)
        twice = [*generators, *generators]
        if params.orthogonal:
            self.critics.network.make_orthogonal(
                twice, hidden_gain=HIDDEN_GAIN, last_gain=LAST_GAIN
            )
        else:
            self.critics.network.shrink_last(twice, LAST_GAIN)
        self.target_critics = TwinValues(sizes, generators)
        follow(self.target_critics, self.critics, 1.0)
        self.log_entropy_weight = nn.Parameter(torch.zeros(len(generators)))
        self.log_multiplier = nn.Parameter(torch.ones(len(generators)))
        self.to(device)
        slow, fast = params.actor_learning_rate, params.critic_learning_rate
        self._actor_adam = adam(self.actor.parameters(), slow, device)
        self._entropy_adam = adam([self.log_entropy_weight], slow, device)
        self._critic_adam = adam(self.critics.parameters(), fast, device)
        self._multiplier_adam = adam([self.log_multiplier], fast, device)
        self.optimizers = (
            self._actor_adam, self._entropy_adam, self._critic_adam, self._multiplier_adam,
        )  # fmt: skip

    def course(self, *_: int) -> int:
        """Do the same in every update."""
        return 0

    def schedule(self, step: int, steps: int) -> None:
        """Leave the learning rates as they are."""

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Update entropy weight, policy and critics, all from the networks before the update."""
        own, backup, here, there = self._split(batch)
        actions, logprobs = self.actor.sample(batch.observations, own.squeeze(0))
        entropy_weight = self.log_entropy_weight.detach().exp()
        values = self.critics(batch.observations, actions, frozen=True).amin(dim=0)
        losses = (entropy_weight[:, None] * logprobs - values).mean(dim=-1)
        with torch.no_grad():
            targets = self._targets(batch, backup)
            candidates, densities = self._candidates(batch, here, there)
        surplus = (logprobs.detach() - self._action_size).mean(dim=-1)
        descend(self._entropy_adam, -self.log_entropy_weight * surplus)
        descend(self._actor_adam, losses)
        data = self.critics(batch.observations, batch.actions)
        errors = (data - targets).square().mean(dim=-1).sum(dim=0)
        gaps = self._gaps(batch, data, candidates, densities)
        descend(self._critic_adam, errors + self._weighted(gaps))
        follow(self.target_critics, self.critics, self._params.target_update_rate)
        return {
            "loss": losses.detach(),
            "critic_loss": errors.detach(),
            "value_mean": data.detach()[0].mean(dim=-1),
            "conservative_gap": gaps.detach().mean(dim=0),
            "entropy_weight": entropy_weight,
        }

    def _split(self, batch: TransitionBatch) -> list[Tensor]:
        """Return the normals of each of the four uses as [draws, S, N, A]."""
        n = self._params.candidates
        counts = (1, n if self._params.max_backup else 1, n, n)
        widths = [count * self._action_size for count in counts]
        pairs = zip(torch.split(batch.normals, widths, dim=-1), counts, strict=True)
        return [_draws(part, count) for part, count in pairs]

    def _targets(self, batch: TransitionBatch, noise: Tensor) -> Float[Tensor, "S N"]:
        """Return r + discount min Q'(s', a'), of the best of several a' with `max_backup`."""
        each = [
            self.target_critics(
                batch.next_observations, self.actor.sample(batch.next_observations, draw)[0]
            ).amin(dim=0)
            for draw in noise
        ]
        following = torch.stack(each).amax(dim=0)
        return batch.backup(following)

    def _candidates(
        self, batch: TransitionBatch, here: Tensor, there: Tensor
    ) -> tuple[Float[Tensor, "C S N A"], Float[Tensor, "C S N"]]:
        """Return uniform actions, the policy's at s' and at s, with their log-densities."""
        uniform = _draws(batch.uniforms, self._params.candidates) * 2 - 1
        chance = torch.full_like(uniform[..., 0], self._action_size * math.log(0.5))
        later = self.actor.sample(_repeat(batch.next_observations, there), there)
        now = self.actor.sample(_repeat(batch.observations, here), here)
        return torch.cat([uniform, later[0], now[0]]), torch.cat([chance, later[1], now[1]])

    def _gaps(
        self, batch: TransitionBatch, data: Tensor, candidates: Tensor, densities: Tensor
    ) -> Float[Tensor, "2 S"]:
        """Return how far the soft maximum of Q is above Q of the data, per critic and policy."""
        count, seeds, rows, _ = candidates.shape
        actions = candidates.movedim(0, 1).reshape(seeds, count * rows, -1)
        repeated = batch.observations.repeat(1, count, 1)
        values = self.critics(repeated, actions).view(2, seeds, count, rows).movedim(2, -1)
        if self._params.importance_sampling:
            values = values - densities.movedim(0, -1)
        gaps = conservative_gap(values, data, self._params.temperature)
        return gaps.clamp(min=self._params.gap_min).mean(dim=-1) if self._clips else gaps.mean(-1)

    @property
    def _clips(self) -> bool:
        return self._params.gap_min is not None

    def _weighted(self, gaps: Float[Tensor, "2 S"]) -> Float[Tensor, " S"]:
        """Return the conservative part of the critics' loss; move the multiplier if there is."""
        weight = self._params.gap_weight
        if self._params.target_gap is None:
            return weight * gaps.sum(dim=0)
        above = weight * (gaps - self._params.target_gap).sum(dim=0)
        multiplier = self.log_multiplier.exp().clamp(max=GAP_WEIGHT_MAX)
        descend(self._multiplier_adam, -0.5 * multiplier * above.detach())
        return multiplier.detach() * above

    @torch.no_grad()
    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return tanh of the Gaussian's mean."""
        return self.actor.mode(observations)


def _draws(flat: Float[Tensor, "S N K"], count: int) -> Float[Tensor, "C S N A"]:
    return flat.reshape(*flat.shape[:-1], count, -1).movedim(2, 0)


def _repeat(observations: Float[Tensor, "S N O"], noise: Tensor) -> Float[Tensor, "C S N O"]:
    return observations.expand(len(noise), *observations.shape)


ALGORITHM = ControlAlgorithm(
    title="Conservative Q-learning",
    paper="arXiv:2006.04779",
    colour="purple",
    summary="Pushes Q down at actions outside the data, then follows it with a soft policy.",
    formula=r"\alpha \left( \log \sum_a e^{Q(s,a)} - Q(s, a_{data}) \right)"
    r" + \left( Q(s,a) - r - \gamma Q'(s', a') \right)^2",
    params=Params,
    build=CQL,
    prepare=scaled_rewards,
    metrics=(
        CRITIC_LOSS,
        VALUE,
        Metric(
            "conservative_gap",
            "Conservative gap",
            help="Soft maximum of Q over candidate actions minus Q of the data's actions.",
        ),
        Metric("entropy_weight", "Entropy weight", help="Weight of the policy's entropy."),
    ),
    presets={
        "MuJoCo (CORL)": {},
        "Hopper medium (CORL)": {"rewards": "return_range"},
        "AntMaze (CORL)": {
            "normalise_observations": False,
            "rewards": "times_ten_minus_five",
            "critic_layers": 5,
            "actor_learning_rate": 1e-4,
            "gap_weight": 5.0,
            "target_gap": 0.8,
            "max_backup": True,
            "gap_min": -200.0,
        },
    },
)
