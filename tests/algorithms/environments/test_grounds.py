"""Grounds tell what the environments themselves are made of."""

import numpy as np
import pytest

from algorithms.environments import point_mass, risky_ant
from algorithms.environments.grounds import GROUNDS, action_names, observation_names
from algorithms.environments.registry import make_environment
from algorithms.environments.table import POINT_MASS, RISKY_ANT


@pytest.mark.parametrize(
    ("name", "module"), [(POINT_MASS, point_mass), (RISKY_ANT, risky_ant)], ids=["point", "ant"]
)
def test_danger_zones_are_those_of_the_simulators(name: str, module: object) -> None:
    disc = GROUNDS[name].danger
    assert disc is not None
    assert [disc.x, disc.y] == list(getattr(module, "DANGER_CENTRE"))  # noqa: B009
    assert disc.radius == getattr(module, "DANGER_RADIUS")  # noqa: B009


def test_the_places_of_a_maze_are_its_achieved_and_desired_goals() -> None:
    maze = make_environment("PointMaze_UMaze-v3")
    seen, information = maze.reset(seed=3)
    inner = maze.unwrapped.point_env.data  # type: ignore[attr-defined]
    ground = GROUNDS["PointMaze_UMaze-v3"]
    assert ground.goal_dimensions is not None
    assert seen[list(ground.place)] == pytest.approx(inner.qpos[:2])
    assert seen[list(ground.goal_dimensions)] == pytest.approx(
        np.asarray(maze.unwrapped.goal)  # type: ignore[attr-defined]
    )
    assert "success" in information
    maze.close()


@pytest.mark.parametrize("family", ["PointMaze_{}-v3", "AntMaze_{}-v5"])
@pytest.mark.parametrize("size", ["UMaze", "Medium", "Large"])
def test_walls_are_those_of_the_simulators(family: str, size: str) -> None:
    name = family.format(size)
    environment = make_environment(name)
    maze = environment.unwrapped.maze  # type: ignore[attr-defined]
    walls = GROUNDS[name].walls
    for row, cells in enumerate(maze.maze_map):
        for column, cell in enumerate(cells):
            x, y = maze.cell_rowcol_to_xy(np.array([row, column]))
            inside = any(w.x0 < x < w.x1 and w.y0 < y < w.y1 for w in walls)
            assert inside == (cell == 1), (row, column)
    area = sum((wall.x1 - wall.x0) * (wall.y1 - wall.y0) for wall in walls)
    blocks = sum(cell == 1 for cells in maze.maze_map for cell in cells)
    assert area == pytest.approx(blocks * maze.maze_size_scaling**2)
    environment.close()


def test_unknown_observations_are_numbered() -> None:
    assert observation_names(POINT_MASS, 4) == ("x", "y", "goal x", "goal y")
    assert observation_names("Hopper-v5", 3) == ("s0", "s1", "s2")
    assert observation_names(POINT_MASS, 3) == ("s0", "s1", "s2")
    assert action_names(2) == ("a0", "a1")
