"""Episodes side by side, one per reset seed, and what was seen in them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError


@dataclass(frozen=True)
class Moved:
    """What a step of N episodes gives."""

    observations: NDArray[np.float32]
    """[N, O], those that follow."""
    rewards: NDArray[np.float64]
    """[N]."""
    terminated: NDArray[np.bool_]
    """[N]."""
    truncated: NDArray[np.bool_]
    """[N]."""
    danger: NDArray[np.bool_]
    """[N]; whether the step began in a danger zone."""


class Episodes(Protocol):
    """Episodes that run side by side, each on the random stream of its seed."""

    horizon: int

    def reset(self, seeds: list[int]) -> NDArray[np.float32]:
        """Begin one episode per seed; return the first observations."""
        ...

    def step(self, actions: NDArray[np.float32]) -> Moved:
        """Move every episode that is left."""
        ...

    def keep(self, left: NDArray[np.bool_]) -> None:
        """Go on with some of the episodes only."""
        ...

    def close(self) -> None:
        """Release simulators."""
        ...


Act = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]
"""`act(observations [n, O], episodes [n]) -> actions [n, A]`; which episode asks, from 0."""


@dataclass
class Rollout:
    """What N episodes came to; steps of an episode are in order."""

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    danger_steps: NDArray[np.int64]
    """Steps that began in a danger zone."""
    terminated: NDArray[np.bool_]
    """Whether it ended by itself, and not by the time limit."""
    acting_s: float = 0.0
    """Seconds in `act`."""
    episode: list[NDArray[np.int64]] = field(default_factory=list)
    """Per step of the batch: which episodes moved; the lists below run along."""
    observations: list[NDArray[np.float32]] = field(default_factory=list)
    actions: list[NDArray[np.float32]] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int) -> "Rollout":
        """Return a rollout in which nothing has happened yet."""
        zeros = np.zeros(count, np.int64)
        return cls(np.zeros(count), zeros, zeros.copy(), zeros.copy() > 0)


Stop = Callable[[int], None]
"""`stop(steps)` is told the steps done so far; it raises to end the rollout."""


def play(
    episodes: Episodes, seeds: Sequence[int], act: Act, *, keep: bool = False,
    on_step: Stop | None = None,
) -> Rollout:  # fmt: skip
    """Return one whole episode per seed; all ask `act` together until they end.

    Args:
        keep: Keep every step, not only the figures.

    Raises:
        UserError: an episode goes on beyond its horizon, or an action is not a finite number.
    """
    observations = episodes.reset(list(seeds))
    found = Rollout.empty(len(seeds))
    left = np.arange(len(seeds))
    steps = 0
    for _ in range(episodes.horizon):
        before = time.perf_counter()
        actions = act(observations, left)
        found.acting_s += time.perf_counter() - before
        if not np.isfinite(actions).all():
            raise UserError(
                "The policy gave an action that is not a finite number. It diverged in training, "
                "or its observations are not those it was trained on."
            )
        moved = episodes.step(actions)
        _record(found, left, moved)
        if keep:
            found.episode.append(left)
            found.observations.append(observations)
            found.actions.append(actions)
            found.moved.append(moved)
        steps += len(left)
        if on_step is not None:
            on_step(steps)
        going = ~(moved.terminated | moved.truncated)
        observations = moved.observations
        if not going.all():
            episodes.keep(going)
            left, observations = left[going], observations[going]
        if not left.size:
            return found
    raise UserError(
        f"An episode did not end within its {episodes.horizon} steps: the environment sets no time "
        "limit. Register it with max_episode_steps."
    )


def _record(found: Rollout, left: NDArray[np.int64], moved: Moved) -> None:
    found.returns[left] += moved.rewards
    found.lengths[left] += 1
    found.danger_steps[left] += moved.danger
    found.terminated[left] = moved.terminated
