"""One action and every correction of it, by the code that evaluates."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.control_specs import EvaluateControlSpec
from algorithms.labs.score_lab import Floats, Plane, field_in
from webapp.labs.score_look import Opened

if TYPE_CHECKING:
    from algorithms.controllers.base import Controller
    from algorithms.controllers.corrected import Walk, WalkStep

HERE = ("learned", "plain", "scripted")
"""Kinds of policies that are plain arithmetic: they may act in the web process."""
NEAR = 300
"""Rows of the data nearest to the state, whose actions are drawn."""
SIDE = 15
REACH = 1.15
"""Actions are drawn from minus to plus this."""
MOST_STEPS = 200


class Typed:
    """A policy whose one action was typed."""

    def __init__(
        self, action: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
    ) -> None:
        self._action = action
        self.low, self.high = low, high

    def start(self, _seeds: object, _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return it."""
        return np.tile(self._action, (len(observations), 1))


@dataclass(frozen=True)
class Asked:
    """What is to be corrected, and by what."""

    spec: EvaluateControlSpec
    inputs: Mapping[str, Path]
    """Artifacts by role; `policy` may be missing where an action is given."""
    observation: NDArray[np.float32]
    action: NDArray[np.float32] | None
    """In the environment's units; None asks the policy."""


@dataclass(frozen=True)
class Line:
    """One correction, as the table has it; actions in [-1, 1]."""

    number: int
    step: "WalkStep"
    shift: float
    """Length of this correction, limits included."""
    total: float
    """Distance from the policy's action."""
    before: float | None
    """Indicator before it."""


@dataclass(frozen=True)
class Walked:
    """A corrected action, and what is around it."""

    asked: Asked
    walk: "Walk"
    network: Opened

    @cached_property
    def lines(self) -> list[Line]:
        """The corrections in turn."""
        found, previous, before = [], self.walk.start, self.walk.ood
        for number, step in enumerate(self.walk.steps, start=1):
            shift = float(np.linalg.norm(step.action - previous))
            total = float(np.linalg.norm(step.action - self.walk.start))
            found.append(Line(number, step, shift, total, before))
            previous, before = step.action, step.ood
        return found

    @property
    def path(self) -> Floats:
        """Actions from the policy's to the last [K + 1, A], in [-1, 1]."""
        each = [self.walk.start, *(step.action for step in self.walk.steps)]
        return np.stack(each).astype(np.float64)

    @cached_property
    def state(self) -> Floats:
        """The state as networks see it [S]."""
        seen = self.network.stored.scaling.observations(self.asked.observation[None])
        return np.asarray(seen[0].numpy(), np.float64)

    @cached_property
    def near(self) -> NDArray[np.int64]:
        """Places of the data's rows whose states are nearest, nearest first."""
        states = self.network.rows[:, : self.network.coordinates.states]
        distances = np.square(states - self.state).sum(axis=1)
        count = min(NEAR, len(distances))
        nearest = np.argpartition(distances, count - 1)[:count]
        return np.asarray(nearest[np.argsort(distances[nearest])])

    @property
    def near_actions(self) -> Floats:
        """Their actions, in [-1, 1]."""
        scaled = self.network.stored.scaling.actions(self.network.view.data.actions[self.near])
        return np.asarray(scaled.numpy(), np.float64)

    def arrows(self, axes: tuple[int, int], level: float) -> tuple[Floats, Floats] | None:
        """Return places along an axis and the action score there [SIDE, SIDE, 2].

        None where the network is of states alone.
        """
        states = self.network.coordinates.states
        if self.network.stored.params.variables != "joint":
            return None
        places = np.linspace(-REACH, REACH, SIDE)
        held = np.concatenate([self.state, self.walk.start.astype(np.float64)])
        plane = Plane((states + axes[0], states + axes[1]), held, places, places)
        return places, field_in(self.network.stored.model, plane, level)[..., list(plane.axes)]


def walked(asked: Asked, network: Opened) -> Walked:
    """Return every correction of one action.

    Raises:
        UserError: networks are missing or do not fit together, the policy does not fit the
            observation or acts on workers only, or there is more to compute than a page may.
    """
    # Simulators come with it, which pages without a policy do not need.
    assembly = importlib.import_module("algorithms.controllers.assembly")
    _must_be_small(asked, network)
    controller = _controller(asked, network)
    try:
        walk: Walk = assembly.wrapped(controller, asked.spec, asked.inputs).walk(asked.observation)
    except (ValueError, RuntimeError, IndexError) as error:
        raise UserError(
            f"The policy or the networks do not fit an observation of {len(asked.observation)} "
            f"numbers: {error}. Choose those of one environment."
        ) from error
    return Walked(asked, walk, network)


def _must_be_small(asked: Asked, network: Opened) -> None:
    steps = int(asked.spec.correction_params.get("steps", 0))
    weights = sum(value.numel() for value in network.stored.model.parameters())
    if steps > MOST_STEPS or steps * weights > 1_000_000_000:
        raise UserError(
            f"{steps:,} corrections by a network of {weights:,} weights are more than this page "
            f"computes at once: ask for fewer ({MOST_STEPS} at most)."
        )


def _controller(asked: Asked, network: Opened) -> "Controller":
    scaling = network.stored.scaling
    if asked.action is not None:
        return Typed(asked.action, scaling.low, scaling.high)
    if "policy" not in asked.inputs:
        raise UserError("Choose a policy, or type an action to correct.")
    files = importlib.import_module("algorithms.controllers.files")
    record = files.read_policy(asked.inputs["policy"])
    if not acts_here(record):
        raise UserError(
            f"A policy of the kind {record['kind']!r} acts on workers only: type an action to "
            "correct, or come here from a trajectory of one of its evaluations."
        )
    spec = asked.spec
    found: Controller = files.load_controller(
        asked.inputs["policy"], seed=spec.policy_seed, checkpoint=spec.stage
    )
    return found


def acts_here(record: Mapping[str, Any]) -> bool:
    """Whether a policy may act in the web process: no foreign code, no simulator."""
    return record.get("kind") in HERE and record.get("controller") != "waypoints"
