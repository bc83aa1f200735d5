"""BC, behaviour cloning, of all or of the best episodes (constants of CORL, 6afec90)."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from algorithms.control_base import ControlAlgorithm, ControlParams, Spaces, TransitionBatch
from algorithms.control_data.selection import best_episodes
from algorithms.control_data.transitions import Transitions
from algorithms.shared.networks import StackedMLP, adam, descend


class Params(ControlParams):
    """Hyperparameters of behaviour cloning; defaults as in CORL."""

    top_share: float = Field(1.0, gt=0, le=1)
    """Share of the episodes, those of highest return, that are imitated; 0.1 is 10% BC."""
    ranking_discount: float = Field(1.0, gt=0, le=1)
    """Discount of the returns that rank the episodes."""
    hidden_size: int = Field(256, ge=1, le=4096)
    """Width of the two hidden layers."""
    learning_rate: float = Field(3e-4, gt=0, le=1)
    """Of Adam."""


class BehaviourCloning(nn.Module):
    """A deterministic policy that imitates the data's actions."""

    normals = uniforms = 0

    def __init__(self, spaces: Spaces, params: Params) -> None:
        super().__init__()
        hidden = params.hidden_size
        sizes = (spaces.observation_size, hidden, hidden, spaces.action_size)
        self.actor = StackedMLP(sizes, spaces.generators(), tanh_output=True)
        self.to(spaces.device)
        self.optimizers = (adam(self.parameters(), params.learning_rate, spaces.device),)

    def course(self, *_: int) -> int:
        """Do the same in every update."""
        return 0

    def schedule(self, step: int, steps: int) -> None:
        """Leave the learning rate as it is."""

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Take one step on mean (pi(s) - a)^2, over transitions and action dimensions."""
        errors = self.actor(batch.observations) - batch.actions
        losses = errors.square().mean(dim=(1, 2))
        descend(self.optimizers[0], losses)
        return {"loss": losses.detach()}

    @torch.no_grad()
    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return the policy's actions."""
        actions: Tensor = self.actor(observations)
        return actions


def prepare(transitions: Transitions, params: Params) -> Transitions:
    """Return the episodes of highest return."""
    if params.top_share == 1:
        return transitions
    return best_episodes(transitions, params.top_share, params.ranking_discount)


ALGORITHM = ControlAlgorithm(
    title="Behaviour cloning",
    paper="Pomerleau 1991; settings of CORL",
    colour="orange",
    summary="Imitates the actions of the data, or of its best episodes only.",
    formula=r"\mathcal{L} = \frac{1}{N} \sum_i \left\lVert \pi(s_i) - a_i \right\rVert^2",
    params=Params,
    build=BehaviourCloning,
    prepare=prepare,
    presets={
        "10% BC (CORL)": {"top_share": 0.1},
        "10% BC, AntMaze (CORL)": {"top_share": 0.1, "ranking_discount": 0.99},
    },
)
