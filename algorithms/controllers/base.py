"""What acts in an environment, and noise on top of it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from algorithms.training.seeds import stream


class Controller(Protocol):
    """Acts in many episodes at once."""

    low: NDArray[np.float32]
    """Smallest action of each dimension."""
    high: NDArray[np.float32]

    def start(self, seeds: Sequence[int], horizon: int, /) -> None:
        """Begin one episode per reset seed, of at most `horizon` steps."""
        ...

    def act(
        self, observations: NDArray[np.float32], episodes: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """Return the actions, in the environment's units.

        Args:
            episodes: Which of the episodes begun each observation [n, O] is of.
        """
        ...


def bounded(actions: NDArray[Any], controller: Controller) -> NDArray[np.float32]:
    """Return actions within a controller's bounds."""
    clipped = np.clip(actions, controller.low, controller.high)
    return np.asarray(clipped, np.float32)


class Noisy:
    """A controller whose actions get Gaussian noise, the same for a seed whoever acts."""

    def __init__(self, inner: Controller, deviation: float, name: str) -> None:
        """Wrap it.

        Args:
            deviation: Of the noise, with actions scaled to [-1, 1].
            name: Of the noise's random stream.
        """
        self._inner = inner
        self._name = name
        self.low, self.high = inner.low, inner.high
        self._factor = deviation * (inner.high - inner.low) / 2
        self._noise: NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)
        self._step = np.zeros(0, np.int64)

    def start(self, seeds: Sequence[int], horizon: int) -> None:
        """Begin episodes and draw their noise."""
        self._inner.start(seeds, horizon)
        shape = (horizon, len(self.low))
        drawn = [stream(self._name, seed).standard_normal(shape, np.float32) for seed in seeds]
        self._noise = np.asarray(np.stack(drawn) * self._factor, np.float32)
        self._step = np.zeros(len(seeds), np.int64)

    def act(
        self, observations: NDArray[np.float32], episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the inner actions plus noise, within the bounds."""
        actions = self._inner.act(observations, episodes)
        noise = self._noise[episodes, self._step[episodes]]
        self._step[episodes] += 1
        return bounded(actions + noise, self)
