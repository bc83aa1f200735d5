"""Makes environments by name, alone or side by side."""

import importlib
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.environments.episodes import Episodes, Moved
from algorithms.environments.point_mass import HORIZON, PointMassEpisodes, Start
from algorithms.environments.risky_ant import HORIZON as ANT_HORIZON
from algorithms.environments.table import POINT_MASS, RISKY_ANT, known_environment

gymnasium.register(
    POINT_MASS,
    entry_point="algorithms.environments.point_mass:RiskyPointMass",
    max_episode_steps=HORIZON,
)
gymnasium.register(
    RISKY_ANT,
    entry_point="algorithms.environments.risky_ant:RiskyAnt",
    max_episode_steps=ANT_HORIZON,
)

ROBOTICS = ("maze", "antmaze")


def make_environment(name: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """Return one environment with flat observations.

    Raises:
        UserError: there is none of this name, or its simulator does not load.
    """
    family = known_environment(name).family
    try:
        if family in ROBOTICS:
            gymnasium.register_envs(importlib.import_module("gymnasium_robotics"))
        environment = gymnasium.make(name, **options)
    except (ImportError, OSError, gymnasium.error.Error) as error:
        raise UserError(
            f"The environment {name} does not load on this worker: {error}. Its simulator is "
            "named in requirements.txt; install it there, or choose another environment."
        ) from error
    if not isinstance(environment.action_space, spaces.Box):
        raise UserError(f"{name} has no continuous actions; this laboratory needs them.")
    if isinstance(environment.observation_space, spaces.Dict):
        return gymnasium.wrappers.FlattenObservation(environment)
    return environment


def make_episodes(name: str, *, parallel: int, start: Start = "evaluation") -> Episodes:
    """Return episodes of an environment that run side by side, at most `parallel` simulators.

    Args:
        start: Where episodes of Risky PointMass begin; the others have one start.
    """
    if name == POINT_MASS:
        return PointMassEpisodes(start)
    return SimulatedEpisodes(name, parallel)


class SimulatedEpisodes:
    """One simulator per episode, stepped one after the other; the policy is asked for all."""

    def __init__(self, name: str, parallel: int) -> None:
        self._name = name
        self._all = [make_environment(name)]
        self._parallel = parallel
        self._left = list(self._all)
        self.horizon = self._horizon()

    def _horizon(self) -> int:
        spec = self._all[0].spec
        return (spec and spec.max_episode_steps) or known_environment(self._name).horizon

    def reset(self, seeds: list[int]) -> NDArray[np.float32]:
        """Begin one episode per seed; return the first observations.

        Raises:
            ValueError: there are more seeds than simulators may be.
        """
        if len(seeds) > self._parallel:
            raise ValueError(f"{len(seeds)} episodes for {self._parallel} simulators")
        while len(self._all) < len(seeds):
            self._all.append(make_environment(self._name))
        self._left = self._all[: len(seeds)]
        pairs = zip(self._left, seeds, strict=True)
        first = [environment.reset(seed=seed)[0] for environment, seed in pairs]
        return np.stack(first).astype(np.float32)

    def step(self, actions: NDArray[np.float32]) -> Moved:
        """Move every episode that is left."""
        pairs = zip(self._left, actions, strict=True)
        moved = [environment.step(action) for environment, action in pairs]
        observations, rewards, terminated, truncated, information = zip(*moved, strict=True)
        return Moved(
            np.stack(observations).astype(np.float32),
            np.array(rewards, np.float64),
            np.array(terminated, bool),
            np.array(truncated, bool),
            np.array([bool(each.get("danger", False)) for each in information]),
        )

    def keep(self, left: NDArray[np.bool_]) -> None:
        """Go on with some of the episodes only."""
        self._left = [each for each, stays in zip(self._left, left, strict=True) if stays]

    def close(self) -> None:
        """Close all simulators."""
        for environment in self._all:
            environment.close()


def action_bounds(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the smallest and largest action of each dimension."""
    environment = make_environment(name)
    space = environment.action_space
    environment.close()
    assert isinstance(space, spaces.Box)
    return space.low.astype(np.float32), space.high.astype(np.float32)


def observation_size(name: str) -> int:
    """Return how many numbers an observation has."""
    environment = make_environment(name)
    space = environment.observation_space
    environment.close()
    assert space.shape is not None
    return int(np.prod(space.shape))
