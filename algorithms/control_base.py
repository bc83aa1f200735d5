"""What a control algorithm is: spaces, batches of transitions, agents, corrections."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import Metric, Schema


@dataclass(frozen=True)
class Spaces:
    """What networks are built for: S policies side by side, one per seed."""

    observation_size: int
    action_size: int
    seeds: tuple[int, ...] = (0,)
    """Seed of the weights of each of the S policies; each learns as it would alone."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def generators(self) -> list[torch.Generator]:
        """Return a generator per seed, on the CPU: the same weights on every device."""
        return [torch.Generator().manual_seed(seed) for seed in self.seeds]


@dataclass(frozen=True)
class TransitionBatch:
    """N transitions for each of S policies, observations and actions as networks see them."""

    observations: Float[Tensor, "S N O"]
    actions: Float[Tensor, "S N A"]
    """Scaled to [-1, 1]."""
    rewards: Float[Tensor, "S N"]
    next_observations: Float[Tensor, "S N O"]
    terminated: Float[Tensor, "S N"]
    """1 where the episode ended there, so that nothing follows; 0 at a time limit."""
    normals: Float[Tensor, "S N K"]
    """Standard normal draws, as many per transition as the agent asked for."""
    uniforms: Float[Tensor, "S N U"]
    """Uniform draws from [0, 1), likewise."""
    discount: float = 0.99
    step: int = 0
    """Updates done before this one."""
    steps: int = 1
    """Updates of the whole training, for learning rates that fall."""

    def backup(self, following: Float[Tensor, "S N"]) -> Float[Tensor, "S N"]:
        """Return r + discount V(s'), where something follows; r where the episode ended."""
        return self.rewards + self.discount * (1 - self.terminated) * following


class Checkpointed(Protocol):
    """What checkpoints of a control training are taken of."""

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """All optimizers, in a fixed order."""
        ...

    def state_dict(self) -> Mapping[str, Tensor]:
        """Return weights, and whatever else are tensors, by name."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Tensor], /) -> object:
        """Take what `state_dict` returned."""
        ...


class Learnable(Checkpointed, Protocol):
    """Networks that learn from batches; their draws come with the batch, so a step is a function.

    `update` runs without waiting for the device: figures are tensors, one number per policy. What
    `state_dict` returns has S or 2 S policies in front.
    """

    normals: int
    """Standard normals that an update uses per transition."""
    uniforms: int
    """Uniform draws that an update uses per transition."""

    def update(self, batch: TransitionBatch) -> Mapping[str, Float[Tensor, " S"]]:
        """Take one optimizer step and return its figures."""
        ...

    def course(self, step: int, steps: int, /) -> int:
        """Return which course update `step` (from 0) of `steps` takes.

        Updates of one course are the same operations on other numbers.
        """
        ...

    def schedule(self, step: int, steps: int) -> None:
        """Set the learning rates of update `step` (from 0) of `steps`."""
        ...


class Agent(Learnable, Protocol):
    """What `build` of a control algorithm returns."""

    def act(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return the deterministic action in [-1, 1] at each observation."""
        ...


class ControlParams(Schema):
    """What the settings of every control algorithm have."""

    normalise_observations: bool = True
    """Give observations mean 0 and deviation 1 over the data (deviation + 0.001)."""


Prepare = Callable[..., Any]
"""`prepare(transitions: Transitions, params) -> Transitions`: what the algorithm learns from."""


@dataclass(frozen=True)
class ControlAlgorithm:
    """One algorithm that learns a policy for continuous control from transitions."""

    title: str
    paper: str
    summary: str
    """One or two sentences."""
    formula: str
    """The loss in LaTeX."""
    params: type[ControlParams]
    build: Callable[[Spaces, Any], Agent]
    """`build(spaces, params)`: the networks of new policies."""
    metrics: tuple[Metric, ...] = ()
    prepare: Prepare | None = None
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Published settings per family of environments beside the defaults."""
    version: int = 1
    """Raise it when the same settings give other numbers."""
    family: str = "Offline control"
    colour: str = ""
    short: str = ""
    """What legends call it until somebody names it; empty takes the name of the file."""


@dataclass(frozen=True)
class CorrectionAlgorithm:
    """One way to correct, when acting, what a finished policy does."""

    title: str
    paper: str
    summary: str
    formula: str
    params: type[Schema]
    build: Callable[[Any, Any], Any]
    """`build(models, params)`: an object with `correct(observations, actions)`."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: int = 1
    family: str = "Correction when acting"
    colour: str = ""
    short: str = ""
    """What legends call it until somebody names it; empty takes the name of the file."""
