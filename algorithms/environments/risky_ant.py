"""Risky Ant: cross a square, around a disc where luck decides (papers/cdsa.md 3.5, after CODAC)."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.mujoco.ant_v5 import AntEnv
from numpy.typing import NDArray

GOAL = np.array([10.0, 10.0])
DANGER_CENTRE = np.array([5.0, 5.0])
DANGER_RADIUS = 3.0
REACH = 1.0
START_SIZE = 7.0
SPEED_REWARD = 0.1
GOAL_REWARD = 1.0
HORIZON = 200


class RiskyAnt(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """MuJoCo's ant; the observation has its place and the contact forces.

    The reward is minus the distance to the goal plus a tenth of the speed, and in the danger
    zone, with a small probability, minus a large penalty.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(
        self,
        safe_probability: float = 0.95,
        penalty: float = 90.0,
        *,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 480,
    ) -> None:
        """Make it; `safe_probability` is the chance that a step in the zone costs nothing."""
        self.render_mode = render_mode
        self._danger_probability = 1 - safe_probability
        self._penalty = penalty
        self._ant = AntEnv(
            exclude_current_positions_from_observation=False,
            terminate_when_unhealthy=False,
            render_mode=render_mode,
            width=width,
            height=height,
        )
        inner = self._ant.observation_space
        self.observation_space = spaces.Box(-np.inf, np.inf, inner.shape, np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (8,), np.float32)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - Gymnasium's signature
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode anywhere in [0, 7]^2 outside the danger zone."""
        super().reset(seed=seed)
        self._ant.reset(seed=seed)
        place = self.np_random.uniform(0, START_SIZE, 2)
        while _in_danger(place):
            place = self.np_random.uniform(0, START_SIZE, 2)
        positions = self._ant.data.qpos.copy()
        positions[:2] = place
        self._ant.set_state(positions, self._ant.data.qvel.copy())  # type: ignore[no-untyped-call]
        return self._observation(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move."""
        before = self._place()
        danger = _in_danger(before)
        self._ant.step(np.clip(action, -1, 1))  # type: ignore[no-untyped-call]
        after = self._place()
        speed = float(np.linalg.norm(after - before)) / self._ant.dt
        distance = float(np.linalg.norm(after - GOAL))
        reached = distance < REACH
        reward = -distance + SPEED_REWARD * speed + GOAL_REWARD * reached
        if self.np_random.random() < self._danger_probability and danger:
            reward -= self._penalty
        return self._observation(), reward, reached, False, {"danger": danger}

    def render(self) -> Any:
        """Return a picture of the ant, from a camera that follows it."""
        return self._ant.render()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Release the simulator."""
        self._ant.close()  # type: ignore[no-untyped-call]

    def _place(self) -> NDArray[np.float64]:
        return np.array(self._ant.data.qpos[:2])

    def _observation(self) -> NDArray[np.float32]:
        observation: NDArray[np.float32] = self._ant._get_obs().astype(np.float32)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return observation


def _in_danger(place: NDArray[np.float64]) -> bool:
    return bool(np.linalg.norm(place - DANGER_CENTRE) <= DANGER_RADIUS)
