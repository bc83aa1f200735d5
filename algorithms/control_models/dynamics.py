"""Inverse and forward dynamics models: which action leads there, and where an action leads."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.base import Schema
from algorithms.control_base import Spaces, TransitionBatch
from algorithms.shared.networks import StackedMLP, adam, cosine, descend, set_rate


class DynamicsParams(Schema):
    """The dynamics models of CDSA, reference design, and how they learn."""

    forward: bool = False
    """Learn s, a -> s' as well; the auxiliary action of the successor state needs it."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the hidden layers."""
    hidden_layers: int = Field(2, ge=1, le=16)
    """Hidden layers."""
    activation: Literal["relu", "tanh", "silu"] = "relu"
    """Of the hidden layers."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Of Adam."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """How the learning rate changes over the training."""


PRESETS: Mapping[str, Mapping[str, object]] = {
    "tiny": {"hidden_size": 128, "activation": "tanh"},
    "full": {"hidden_size": 1024},
}
"""Of the reference design; none is known to be the authors'."""


class DynamicsModel(nn.Module):
    """I(s, s') -> a in [-1, 1] and, where asked, f(s, a) -> s', in normalised coordinates."""

    normals = uniforms = 0

    def __init__(self, spaces: Spaces, params: DynamicsParams) -> None:
        super().__init__()
        self._params = params
        size, actions = spaces.observation_size, spaces.action_size
        generators = spaces.generators()
        widths = (params.hidden_size,) * params.hidden_layers
        self.inverse_network = StackedMLP(
            (2 * size, *widths, actions),
            generators,
            activation=params.activation,
            tanh_output=True,
        )
        self.forward_network = None
        if params.forward:
            self.forward_network = StackedMLP(
                (size + actions, *widths, size), generators, activation=params.activation
            )
        self.to(spaces.device)
        self.optimizers = (adam(self.parameters(), params.learning_rate, spaces.device),)

    def course(self, *_: int) -> int:
        """Do the same in every update."""
        return 0

    def schedule(self, step: int, steps: int) -> None:
        """Let the learning rate fall to 0 along half a cosine, where asked."""
        if self._params.schedule == "cosine":
            set_rate(self.optimizers[0], cosine(self._params.learning_rate, step, steps))

    def losses(self, batch: TransitionBatch) -> dict[str, Float[Tensor, " S"]]:
        """Return the mean squared errors per dimension, by name."""
        both = torch.cat([batch.observations, batch.next_observations], dim=-1)
        errors = self.inverse_network(both) - batch.actions
        found = {"inverse_loss": errors.square().mean(dim=(1, 2))}
        if self.forward_network is not None:
            change = self.forward_network(torch.cat([batch.observations, batch.actions], dim=-1))
            errors = batch.observations + change - batch.next_observations
            found["forward_loss"] = errors.square().mean(dim=(1, 2))
        return found

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Take one step on the sum of the errors."""
        losses = self.losses(batch)
        descend(self.optimizers[0], torch.stack(list(losses.values())).sum(dim=0))
        return {name: value.detach() for name, value in losses.items()}

    @torch.no_grad()
    def inverse(
        self, observations: Float[Tensor, "N O"], following: Float[Tensor, "N O"]
    ) -> Float[Tensor, "N A"]:
        """Return the action in [-1, 1] that leads from one observation to another."""
        actions: Tensor = self.inverse_network(torch.cat([observations, following], -1)[None])
        return actions[0]

    @torch.no_grad()
    def successor(
        self, observations: Float[Tensor, "N O"], actions: Float[Tensor, "N A"]
    ) -> Float[Tensor, "N O"]:
        """Return the observation that an action leads to.

        Raises:
            ValueError: no forward model was learned.
        """
        if self.forward_network is None:
            raise ValueError("this dynamics model has no forward network")
        change: Tensor = self.forward_network(torch.cat([observations, actions], -1)[None])
        return observations + change[0]
