"""Whole evaluations: which reset seeds, how many simulators at once."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algorithms.controllers.base import Controller
from algorithms.environments.episodes import Rollout, Stop, play
from algorithms.environments.point_mass import Start
from algorithms.environments.registry import make_episodes
from algorithms.environments.table import POINT_MASS

Purpose = Literal["tuning", "reporting", "collect", "reference"]

_PLACES: dict[Purpose, int] = {"tuning": 1, "reporting": 2, "collect": 3, "reference": 4}
_PURPOSE_BITS, _SEED_BITS = 40, 20
AT_ONCE = 16


def reset_seeds(purpose: Purpose, seed: int, count: int, *, first: int = 0) -> list[int]:
    """Return the reset seeds of episodes; no two purposes and no two seeds share one.

    Raises:
        ValueError: there are more episodes or seeds than numbers between two blocks.
    """
    if first + count > 2**_SEED_BITS or seed >= 2 ** (_PURPOSE_BITS - _SEED_BITS):
        raise ValueError(f"no reset seeds for {first + count} episodes of seed {seed}")
    base = (_PLACES[purpose] << _PURPOSE_BITS) + (seed << _SEED_BITS) + first
    return list(range(base, base + count))


def rollouts(
    controller: Controller,
    environment: str,
    seeds: Sequence[int],
    *,
    parallel: int = AT_ONCE,
    start: Start = "evaluation",
    keep: int = 0,
    on_step: Stop | None = None,
) -> list[Rollout]:
    """Return one episode per seed, in batches of as many as run side by side.

    Args:
        keep: How many episodes, the first ones, keep every step.
        on_step: Is told the steps of all episodes so far.
    """
    size = len(seeds) if environment == POINT_MASS else parallel
    episodes = make_episodes(environment, parallel=size, start=start)
    found: list[Rollout] = []
    done = 0

    def told(steps: int) -> None:
        if on_step is not None:
            on_step(done + steps)

    try:
        for begin in range(0, len(seeds), size):
            batch = seeds[begin : begin + size]
            controller.start(batch, episodes.horizon)
            rollout = play(episodes, batch, controller.act, keep=begin < keep, on_step=told)
            found.append(rollout)
            done += int(rollout.lengths.sum())
    finally:
        episodes.close()
    return found


def tuning_returns(controller: Controller, environment: str, count: int) -> NDArray[np.float64]:
    """Return the returns of episodes on tuning seeds."""
    seeds = reset_seeds("tuning", 0, count)
    return np.concatenate([each.returns for each in rollouts(controller, environment, seeds)])
