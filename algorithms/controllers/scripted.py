"""Controllers that are written down, and the one that draws actions uniformly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.controllers.base import Controller, bounded
from algorithms.controllers.maze import Waypoints
from algorithms.environments.point_mass import GOAL
from algorithms.environments.registry import action_bounds
from algorithms.environments.table import known_environment
from algorithms.training.seeds import stream

LEFT, RIGHT = np.array([0.12, 0.88]), np.array([0.88, 0.12])
"""Where a detour turns."""
TURNED = 0.2
SLOW = 0.1
"""Nearer to its target than this, the point slows down."""


class Uniform:
    """Draws every action uniformly within the bounds."""

    def __init__(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
        self.low, self.high = low, high
        self._drawn = np.zeros((0, 0, 0), np.float32)
        self._step = np.zeros(0, np.int64)

    def start(self, seeds: Sequence[int], horizon: int) -> None:
        """Draw the actions of every episode."""
        shape = (horizon, len(self.low))
        drawn = [stream("uniform actions", seed).random(shape, np.float32) for seed in seeds]
        self._drawn = self.low + np.stack(drawn) * (self.high - self.low)
        self._step = np.zeros(len(seeds), np.int64)

    def act(
        self, _observations: NDArray[np.float32], episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the drawn actions of the next step."""
        actions: NDArray[np.float32] = self._drawn[episodes, self._step[episodes]]
        self._step[episodes] += 1
        return actions


class Beeline:
    """Goes straight to PointMass' goal, through the danger zone."""

    low, high = -np.ones(2, np.float32), np.ones(2, np.float32)

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the direction of the goal."""
        return _towards(np.broadcast_to(GOAL, (len(observations), 2)), observations[:, :2])


class Detour(Beeline):
    """Goes around the danger zone, on one side or the other with equal chance."""

    _left = np.zeros(0, bool)

    def start(self, seeds: Sequence[int], _horizon: int) -> None:
        """Choose the side of every episode."""
        self._left = np.array([stream("detour side", seed).random() < 0.5 for seed in seeds])

    def act(
        self, observations: NDArray[np.float32], episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the direction of the turning point, or of the goal once past it."""
        place, left = observations[:, :2], self._left[episodes]
        past = np.where(left, place[:, 0] < TURNED, place[:, 1] < TURNED)
        turn = np.where(left[:, None], LEFT, RIGHT)
        return _towards(np.where(past[:, None], GOAL, turn), place)


def _towards(target: NDArray[np.float64], place: NDArray[np.float32]) -> NDArray[np.float32]:
    gap = target - place
    distance = np.linalg.norm(gap, axis=1, keepdims=True)
    actions: NDArray[np.float32] = np.clip(gap / np.maximum(distance, SLOW), -1, 1)
    return actions.astype(np.float32)


class SwingUp:
    """Swings Gymnasium's pendulum up by its energy and balances it by a PD law."""

    low, high = np.full(1, -2, np.float32), np.full(1, 2, np.float32)
    UPRIGHT_ENERGY = 15.0
    """m g l / 2 of the upright pendulum at rest: 1 x 10 x 1 / 2, times the factor 3 of its law
    of motion: what 1/2 w^2 + 15 cos(angle) is there."""
    NEAR = 0.9
    """Cosine of the angle above which the PD law holds it."""

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the torque, in [-2, 2]."""
        cosine, sine, speed = observations.T
        energy = 0.5 * speed**2 + self.UPRIGHT_ENERGY * cosine
        # A torque along the motion adds energy; at rest, any direction will do.
        pump = np.where(speed == 0, 1.0, np.sign(speed)) * (self.UPRIGHT_ENERGY - energy)
        angle = np.arctan2(sine, cosine)
        balance = -(10.0 * angle + 2.0 * speed)
        torque = np.where(cosine > self.NEAR, balance, pump)
        return bounded(torque[:, None], self)


def scripted(name: str, environment: str) -> Controller:
    """Return a scripted controller, or the uniform one.

    Raises:
        UserError: the environment has no controller of this name.
    """
    known = known_environment(environment)
    if name == "random":
        low, high = action_bounds(environment)
        return Uniform(low, high)
    if name not in known.scripted:
        listed = ", ".join(("random", *known.scripted))
        raise UserError(f"{known.title} has no scripted controller {name!r}; it has: {listed}.")
    if name == "waypoints":
        return Waypoints(environment)
    made: dict[str, Controller] = {"beeline": Beeline(), "detour": Detour(), "swing_up": SwingUp()}
    return made[name]
