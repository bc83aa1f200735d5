"""The score network: grad log density of the data under noise, by denoising (CDSA, 1.2)."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from algorithms.base import Schema
from algorithms.control_base import Spaces, TransitionBatch
from algorithms.control_models.levels import chosen_levels, denoising_losses, geometric_levels
from algorithms.shared.networks import StackedMLP, adam, cosine, descend, follow, set_rate


class ScoreParams(Schema):
    """The score network of CDSA, reference design, and how it learns."""

    variables: Literal["joint", "state"] = "joint"
    """Of what the density is: observations and actions together, or observations alone."""
    level_max: float = Field(1.0, gt=0, le=100)
    """Largest noise level, in normalised units."""
    level_min: float = Field(0.01, gt=0, le=100)
    """Smallest noise level."""
    levels: int = Field(10, ge=1, le=1000)
    """Noise levels, geometric from the largest to the smallest."""
    conditioning: Literal["log_level", "embedding"] = "log_level"
    """How the network is told the level: its logarithm as an input, or a learned vector per
    level (a level in between takes the nearest)."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the hidden layers."""
    hidden_layers: int = Field(3, ge=1, le=16)
    """Hidden layers."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Of Adam."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """How the learning rate changes over the training."""
    average_rate: float = Field(0.0, ge=0, lt=1)
    """Decay of a moving average of the weights, which is what is kept; 0 keeps the weights."""

    @model_validator(mode="after")
    def _levels_in_order(self) -> "ScoreParams":
        if self.level_min > self.level_max:
            raise ValueError("level_min must not exceed level_max")
        if self.levels == 1 and self.level_min != self.level_max:
            raise ValueError("one level needs level_min equal to level_max")
        return self


EMBEDDING_SIZE = 16

PRESETS: Mapping[str, Mapping[str, object]] = {
    "tiny": {},
    "full": {"hidden_size": 512, "hidden_layers": 4, "conditioning": "embedding",
             "average_rate": 0.999},
    "one level": {"levels": 1, "level_max": 0.05, "level_min": 0.05},
}  # fmt: skip
"""Of the reference design; none is known to be the authors'."""


class NoisePredictor(nn.Module):
    """epsilon_theta(x, sigma): the noise that a network sees in a point."""

    def __init__(self, size: int, spaces: Spaces, params: ScoreParams) -> None:
        super().__init__()
        levels = geometric_levels(params.level_max, params.level_min, params.levels)
        self.levels: Tensor
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self._embeds = params.conditioning == "embedding"
        generators = spaces.generators()
        widths = (params.hidden_size,) * params.hidden_layers
        told = EMBEDDING_SIZE if self._embeds else 1
        self.network = StackedMLP((size + told, *widths, size), generators, activation="silu")
        if self._embeds:
            drawn = [torch.randn(params.levels, EMBEDDING_SIZE, generator=g) for g in generators]
            self.embedding = nn.Parameter(torch.stack(drawn))

    def forward(
        self, points: Float[Tensor, "S N D"], levels: Float[Tensor, "S N"]
    ) -> Float[Tensor, "S N D"]:
        """Return the noise in each point, given its level."""
        predicted: Tensor = self.network(torch.cat([points, self._told(levels)], dim=-1))
        return predicted

    def _told(self, levels: Float[Tensor, "S N"]) -> Float[Tensor, "S N C"]:
        if not self._embeds:
            return levels.log()[..., None]
        nearest = (levels.log()[..., None] - self.levels.log()).abs().argmin(dim=-1)
        place = nearest[..., None].expand(*nearest.shape, EMBEDDING_SIZE)
        return torch.gather(self.embedding, 1, place)


class ScoreModel(nn.Module):
    """The score of x = (s, a) or s, as -epsilon_theta / sigma, and how it is learned."""

    uniforms = 1

    def __init__(self, spaces: Spaces, params: ScoreParams) -> None:
        super().__init__()
        self._params = params
        joint = params.variables == "joint"
        self.size = spaces.observation_size + (spaces.action_size if joint else 0)
        self.normals = self.size
        self.predictor = NoisePredictor(self.size, spaces, params)
        self.average = deepcopy(self.predictor) if params.average_rate else None
        self.to(spaces.device)
        learned = self.predictor.parameters()
        self.optimizers = (adam(learned, params.learning_rate, spaces.device),)

    def course(self, *_: int) -> int:
        """Do the same in every update."""
        return 0

    def schedule(self, step: int, steps: int) -> None:
        """Let the learning rate fall to 0 along half a cosine, where asked."""
        if self._params.schedule == "cosine":
            set_rate(self.optimizers[0], cosine(self._params.learning_rate, step, steps))

    def rows(self, batch: TransitionBatch) -> Float[Tensor, "S N D"]:
        """Return what the density is of."""
        if self._params.variables == "state":
            return batch.observations
        return torch.cat([batch.observations, batch.actions], dim=-1)

    def losses(self, batch: TransitionBatch) -> Float[Tensor, "S N"]:
        """Return the denoising loss of each row at a level of its own."""
        levels = chosen_levels(self.predictor.levels, batch.uniforms[..., 0])
        noisy = self.rows(batch) + levels[..., None] * batch.normals
        return denoising_losses(self.predictor(noisy, levels), batch.normals)

    def predicted_noise(
        self, points: Float[Tensor, "S N D"], levels: Float[Tensor, "S N"]
    ) -> Float[Tensor, "S N D"]:
        """Return epsilon_theta by the weights that are kept (their average, if there is one)."""
        predicted: Tensor = self._kept(points, levels)
        return predicted

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Take one step on the mean denoising loss."""
        losses = self.losses(batch).mean(dim=-1)
        descend(self.optimizers[0], losses)
        if self.average is not None:
            follow(self.average, self.predictor, 1 - self._params.average_rate)
        return {"dsm_loss": losses.detach()}

    @property
    def _kept(self) -> NoisePredictor:
        return self.predictor if self.average is None else self.average

    @torch.no_grad()
    def score(self, points: Float[Tensor, "N D"], level: float) -> Float[Tensor, "N D"]:
        """Return grad log density at a level, of the first seed's network."""
        levels = torch.full((1, len(points)), level, device=points.device)
        return -self.predicted_noise(points[None], levels)[0] / level
