"""CDSA, reference design: actions moved towards the data's density (Liu et al. 2024, 2406.07541).

The paper's body could not be read: what is fixed here (noise, gains, steps, auxiliary actions) is
our reading of its abstract, each choice a setting, none of the defaults its authors'.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import Schema, UserError
from algorithms.control_base import CorrectionAlgorithm
from algorithms.control_models.levels import geometric_levels


class Params(Schema):
    """Settings of CDSA, reference design; no default is known to be the authors'."""

    steps: int = Field(5, ge=0, le=1000)
    """Corrections per action (K); 0 leaves actions as they are."""
    noise_level: float = Field(0.2, gt=0, le=100)
    """Noise level of the score (sigma_c), in normalised units: how far a look at the data
    reaches."""
    action_gain: float = Field(1.0, ge=0, le=100)
    """Of the step along the action part of the score (k_a)."""
    state_gain: float = Field(0.0, ge=0, le=100)
    """Of the auxiliary action that the state part of the score asks for (k_s)."""
    step_scale: float = Field(1.0, ge=0, le=100)
    """Length of the wished-for shift of the state (eta); 1 is a whole denoising step."""
    auxiliary: Literal["delta", "displacement", "next", "off"] = "delta"
    """How a shift of the state becomes an action. displacement: the action that leads there;
    delta: minus the action that stays; next: the same at the state that the action leads to
    (needs a forward model); off: not at all."""
    density: Literal["joint", "state", "both"] = "joint"
    """joint: the score of observations and actions together. state: of observations alone, which
    has no action part. both: the action part of the joint one, the state part of the other."""
    max_shift: float = Field(0.0, ge=0, le=100)
    """Longest shift of an action by one correction, actions in [-1, 1]; 0 sets no limit."""
    anneal_from: float | None = Field(None, gt=0, le=100)
    """Noise level of the first correction; the last one has noise_level. Empty uses noise_level
    throughout."""
    langevin: bool = False
    """Draw from the density instead of climbing it: steps a g + sqrt(2 a) z, a = langevin_step
    (sigma / noise_level)^2."""
    langevin_step: float = Field(2e-5, gt=0, le=1)
    """Step length of langevin at noise_level."""
    seed: int = Field(0, ge=0)
    """Seed of the noise of langevin."""

    def levels(self) -> tuple[float, ...]:
        """Return the noise level of each correction."""
        if self.anneal_from is None or self.steps < 2:
            return (self.noise_level,) * self.steps
        return geometric_levels(self.anneal_from, self.noise_level, self.steps)

    @property
    def changes_nothing(self) -> bool:
        """Whether every action stays as it is, without a look at any network."""
        state = self.state_gain if self.auxiliary != "off" else 0.0
        return self.steps == 0 or (self.action_gain == 0 and state == 0)


Score = Callable[[Tensor, float], Tensor]
"""`score(points [N, D], level) -> [N, D]`."""
TwoToOne = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Models:
    """What the correction asks; all in normalised coordinates, actions in [-1, 1]."""

    score: Score | None = None
    """Of (s, a)."""
    state_score: Score | None = None
    """Of s."""
    inverse: TwoToOne | None = None
    """(s, s') -> a."""
    successor: TwoToOne | None = None
    """(s, a) -> s'."""


@dataclass(frozen=True)
class Corrected:
    """Corrected actions and what they are made of, summed over the corrections."""

    actions: Float[Tensor, "N A"]
    action_part: Float[Tensor, "N A"]
    """What the action part of the score added, before limits."""
    state_part: Float[Tensor, "N A"]
    """What the auxiliary actions added, before limits."""


@dataclass(frozen=True)
class Step:
    """One correction: what it adds, before limits, and the actions that it ends with."""

    level: float
    action_part: Float[Tensor, "N A"]
    state_part: Float[Tensor, "N A"]
    actions: Float[Tensor, "N A"]


class Correction:
    """Moves actions towards where the data are dense."""

    def __init__(self, models: Models, params: Params) -> None:
        """Check that the models that the settings need are there.

        Raises:
            UserError: one is missing.
        """
        self._models = models
        self._params = params
        self._generator: torch.Generator | None = None
        if not params.changes_nothing:
            _require(models, params)

    @property
    def changes_nothing(self) -> bool:
        """Whether actions come back as they were, clipped."""
        return self._params.changes_nothing

    def correct(
        self, observations: Float[Tensor, "N O"], actions: Float[Tensor, "N A"]
    ) -> Corrected:
        """Return corrected actions within [-1, 1]; gains or steps of 0 give them back, clipped."""
        current = actions.clamp(-1, 1)
        along, auxiliary = torch.zeros_like(current), torch.zeros_like(current)
        for step in self.steps(observations, current):
            current = step.actions
            along, auxiliary = along + step.action_part, auxiliary + step.state_part
        return Corrected(current, along, auxiliary)

    def steps(
        self, observations: Float[Tensor, "N O"], actions: Float[Tensor, "N A"]
    ) -> Iterator[Step]:
        """Yield each correction in turn; none where nothing changes."""
        current = actions.clamp(-1, 1)
        levels = () if self._params.changes_nothing else self._params.levels()
        for level in levels:
            state, action = self._gradients(observations, current, level)
            along = self._params.action_gain * self._stride(level) * action
            auxiliary = self._auxiliary(observations, current, state, level)
            shift = limited(along + auxiliary, self._params.max_shift)
            if self._params.langevin:
                shift = shift + self._noise(current, level)
            current = (current + shift).clamp(-1, 1)
            yield Step(level, along, auxiliary, current)

    def _stride(self, level: float) -> float:
        """Return the factor of the score: sigma^2, which makes a step one of denoising."""
        if not self._params.langevin:
            return level**2
        return self._params.langevin_step * (level / self._params.noise_level) ** 2

    def _noise(self, actions: Tensor, level: float) -> Tensor:
        if self._generator is None:
            self._generator = torch.Generator(actions.device).manual_seed(self._params.seed)
        drawn = torch.randn(actions.shape, generator=self._generator, device=actions.device)
        return math.sqrt(2 * self._stride(level)) * drawn

    def _gradients(
        self, observations: Tensor, actions: Tensor, level: float
    ) -> tuple[Tensor, Tensor]:
        """Return the state part and the action part of the score, as `density` says."""
        size = observations.shape[-1]
        state, action = torch.zeros_like(observations), torch.zeros_like(actions)
        if self._params.density != "state":
            assert self._models.score is not None
            joint = self._models.score(torch.cat([observations, actions], dim=-1), level)
            state, action = joint[:, :size], joint[:, size:]
        if self._params.density != "joint" and self._uses_state:
            assert self._models.state_score is not None
            state = self._models.state_score(observations, level)
        return state, action

    @property
    def _uses_state(self) -> bool:
        return self._params.state_gain > 0 and self._params.auxiliary != "off"

    def _auxiliary(
        self, observations: Tensor, actions: Tensor, state: Tensor, level: float
    ) -> Tensor:
        """Return k_s times the action that the shift eta sigma^2 g_s of the state asks for."""
        if not self._uses_state:
            return torch.zeros_like(actions)
        inverse, params = self._models.inverse, self._params
        assert inverse is not None
        length = params.step_scale * level**2
        if params.auxiliary == "next":
            assert self._models.successor is not None
            ahead = self._models.successor(observations, actions)
            wished = ahead + length * self._gradients(ahead, actions, level)[0]
            towards = inverse(observations, wished) - inverse(observations, ahead)
            return params.state_gain * towards
        towards = inverse(observations, observations + length * state)
        if params.auxiliary == "delta":
            towards = towards - inverse(observations, observations)
        return params.state_gain * towards


def limited(shift: Float[Tensor, "N A"], longest: float) -> Float[Tensor, "N A"]:
    """Return shifts scaled down to a length (0: as they are)."""
    if longest == 0:
        return shift
    length = shift.norm(dim=-1, keepdim=True)
    scaled: Tensor = shift * (longest / length.clamp(min=longest))
    return scaled


def _require(models: Models, params: Params) -> None:
    state = params.state_gain > 0 and params.auxiliary != "off"
    needed = {
        "a score network of observations and actions": (params.density != "state", models.score),
        "a score network of observations": (params.density != "joint" and state,
                                            models.state_score),
        "an inverse dynamics model": (state, models.inverse),
        "a forward model": (state and params.auxiliary == "next", models.successor),
    }  # fmt: skip
    missing = [name for name, (needs, model) in needed.items() if needs and model is None]
    if missing:
        raise UserError(
            f"The correction needs {' and '.join(missing)}: train it on the same data set and "
            "give it to the job, or choose other settings."
        )


ALGORITHM = CorrectionAlgorithm(
    title="CDSA, reference design",
    paper="arXiv:2406.07541",
    summary="Moves the actions of any finished policy towards where the data are dense, by a "
    "denoising score network and an inverse dynamics model. The paper's own settings are unknown.",
    formula=r"a \leftarrow a + k_a \sigma^2 \nabla_a \log \rho(s, a)"
    r" + k_s \left( I(s, s + \eta \sigma^2 \nabla_s \log \rho) - I(s, s) \right)",
    params=Params,
    build=Correction,
    colour="vermillion",
    presets={
        "PointMass": {"noise_level": 0.2, "steps": 5, "action_gain": 1.0, "state_gain": 0.0,
                      "auxiliary": "displacement"},
        "PointMass, wide": {"noise_level": 0.36, "steps": 5, "action_gain": 1.0,
                            "state_gain": 0.5, "auxiliary": "displacement"},
        "MuJoCo": {"noise_level": 0.2, "steps": 1, "action_gain": 0.5},
    },
)  # fmt: skip
