"""Waypoints through a PointMaze: shortest path over its cells, followed by a PD law."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from algorithms.environments.registry import make_environment

Cell = tuple[int, int]

GAIN, DAMPING = 10.0, 1.0


class Waypoints:
    """Steers the ball from cell to cell towards the goal of its episode."""

    low, high = -np.ones(2, np.float32), np.ones(2, np.float32)

    def __init__(self, environment: str) -> None:
        made = make_environment(environment)
        maze = made.unwrapped.maze  # type: ignore[attr-defined]
        self._free = {
            (row, column)
            for row, line in enumerate(maze.maze_map)
            for column, cell in enumerate(line)
            if cell != 1
        }
        self._scale = float(maze.maze_size_scaling)
        self._centre = (float(maze.x_map_center), float(maze.y_map_center))
        self._next: dict[Cell, dict[Cell, Cell]] = {}
        made.close()

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing: observations name the goal."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the force towards the next cell's centre, or towards the goal in its cell.

        Args:
            observations: Flattened: place and goal reached for, then place and velocity, as
                Gymnasium orders the names achieved_goal, desired_goal, observation.
        """
        places, goals, speeds = observations[:, 4:6], observations[:, 2:4], observations[:, 6:8]
        targets = np.array([self._target(*pair) for pair in zip(places, goals, strict=True)])
        return np.clip(GAIN * (targets - places) - DAMPING * speeds, -1, 1).astype(np.float32)

    def _target(self, place: NDArray[np.float32], goal: NDArray[np.float32]) -> NDArray[np.float64]:
        here, there = self._cell(place), self._cell(goal)
        if here == there:
            return np.array(goal, np.float64)
        following = self._towards(there).get(here, there)
        return np.array(goal, np.float64) if following == there else self._middle(following)

    def _cell(self, place: NDArray[np.float32]) -> Cell:
        column = int(np.floor((place[0] + self._centre[0]) / self._scale))
        row = int(np.floor((self._centre[1] - place[1]) / self._scale))
        return row, column

    def _middle(self, cell: Cell) -> NDArray[np.float64]:
        x = (cell[1] + 0.5) * self._scale - self._centre[0]
        y = self._centre[1] - (cell[0] + 0.5) * self._scale
        return np.array([x, y])

    def _towards(self, goal: Cell) -> dict[Cell, Cell]:
        """Return from each cell the next one on a shortest way to the goal."""
        if goal in self._next:
            return self._next[goal]
        found: dict[Cell, Cell] = {goal: goal}
        waiting = deque([goal])
        while waiting:
            row, column = waiting.popleft()
            for near in (
                (row + 1, column),
                (row - 1, column),
                (row, column + 1),
                (row, column - 1),
            ):
                if near in self._free and near not in found:
                    found[near] = (row, column)
                    waiting.append(near)
        self._next[goal] = found
        return found
