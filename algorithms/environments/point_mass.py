"""Risky PointMass: go around a disc where luck decides (papers/cdsa.md 3.5, after CODAC)."""

from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray

from algorithms.environments.episodes import Moved

GOAL = np.array([0.1, 0.1])
DANGER_CENTRE = np.array([0.5, 0.5])
DANGER_RADIUS = 0.3
REACH = 0.05
"""The episode ends nearer to the goal than this."""
STEP = 0.1
"""Way per step and axis at full action."""
STEP_COST = 0.1
HORIZON = 100
START_LOW, START_HIGH = 0.1, 0.9
CORNER = np.array([0.85, 0.85])
CORNER_SIZE = 0.05

Start = Literal["evaluation", "training"]


def in_danger(place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each place [..., 2] is in the danger zone."""
    return np.asarray(np.linalg.norm(place - DANGER_CENTRE, axis=-1) <= DANGER_RADIUS)


def start_place(random: np.random.Generator, start: Start) -> NDArray[np.float64]:
    """Return where an episode begins: near the far corner, or anywhere outside the zone."""
    if start == "evaluation":
        return CORNER - random.uniform(0, CORNER_SIZE, 2)
    while True:
        place = random.uniform(START_LOW, START_HIGH, 2)
        if not in_danger(place):
            return place


class RiskyPointMass(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """One point in the unit square; the observation is its place and the goal's.

    The reward is minus the distance to the goal and 0.1, and in the danger zone, with a small
    probability, minus a large penalty: all of the place before the move.
    """

    metadata = {"render_modes": []}

    def __init__(
        self, start: Start = "evaluation", safe_probability: float = 0.9, penalty: float = 50.0
    ) -> None:
        """Make it; `safe_probability` is the chance that a step in the zone costs nothing."""
        self._start: Start = start
        self._danger_probability = 1 - safe_probability
        self._penalty = penalty
        self.observation_space = spaces.Box(0.0, 1.0, (4,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.place = CORNER.copy()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; `options={"place": (x, y)}` sets where."""
        super().reset(seed=seed)
        self.place = start_place(self.np_random, self._start)
        if options and "place" in options:
            self.place = np.array(options["place"], float)
        return self._observation(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move."""
        danger = bool(in_danger(self.place))
        reward = -float(np.linalg.norm(self.place - GOAL)) - STEP_COST
        # Drawn in every step: luck must not depend on where earlier steps led.
        if self.np_random.random() < self._danger_probability and danger:
            reward -= self._penalty
        self.place = np.clip(self.place + STEP * np.clip(action, -1, 1), 0, 1)
        reached = bool(np.linalg.norm(self.place - GOAL) < REACH)
        return self._observation(), reward, reached, False, {"danger": danger}

    def _observation(self) -> NDArray[np.float32]:
        return np.concatenate([self.place, GOAL]).astype(np.float32)


class PointMassEpisodes:
    """Many episodes of Risky PointMass at once, each equal to the environment with its seed."""

    horizon = HORIZON

    def __init__(
        self, start: Start = "evaluation", safe_probability: float = 0.9, penalty: float = 50.0
    ) -> None:
        self._start: Start = start
        self._danger_probability = 1 - safe_probability
        self._penalty = penalty
        self._places = np.zeros((0, 2))
        self._luck = np.zeros((0, HORIZON))
        self._step = 0

    def reset(self, seeds: list[int]) -> NDArray[np.float32]:
        """Begin one episode per seed; return their first observations [N, 4]."""
        randoms = [seeding.np_random(seed)[0] for seed in seeds]
        self._places = np.stack([start_place(random, self._start) for random in randoms])
        self._luck = np.stack([random.random(HORIZON) for random in randoms])
        self._step = 0
        return self._observations()

    def step(self, actions: NDArray[np.float32]) -> Moved:
        """Move every episode that is left."""
        danger = in_danger(self._places)
        rewards = -np.linalg.norm(self._places - GOAL, axis=1) - STEP_COST
        struck = danger & (self._luck[:, self._step] < self._danger_probability)
        rewards = rewards - self._penalty * struck
        self._places = np.clip(self._places + STEP * np.clip(actions, -1, 1), 0, 1)
        reached = np.linalg.norm(self._places - GOAL, axis=1) < REACH
        self._step += 1
        truncated = np.full(len(rewards), self._step == HORIZON)
        return Moved(self._observations(), rewards, reached, truncated, danger)

    def keep(self, left: NDArray[np.bool_]) -> None:
        """Go on with some of the episodes only."""
        self._places, self._luck = self._places[left], self._luck[left]

    def close(self) -> None:
        """Release nothing."""

    def _observations(self) -> NDArray[np.float32]:
        goals = np.broadcast_to(GOAL, self._places.shape)
        return np.concatenate([self._places, goals], axis=1).astype(np.float32)
