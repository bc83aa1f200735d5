"""Where episodes happen, seen from above: places, goals and danger zones, without a simulator."""

from collections.abc import Mapping
from dataclasses import dataclass

from algorithms.environments.table import POINT_MASS, RISKY_ANT


@dataclass(frozen=True)
class Disc:
    """A danger zone."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Wall:
    """A block that nobody passes."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Ground:
    """Which numbers of an observation are a place, and what else there is to draw."""

    place: tuple[int, int]
    """Observation dimensions of x and y."""
    goal_dimensions: tuple[int, int] | None = None
    """Observation dimensions of the goal."""
    goal: tuple[float, float] | None = None
    """Where it is, if observations do not tell."""
    danger: Disc | None = None
    sides: tuple[float, float] | None = None
    """Smallest and largest x and y; None where it is for the data to say."""
    walls: tuple[Wall, ...] = ()
    """Of a maze."""


_MAZES: Mapping[str, tuple[str, ...]] = {
    "UMaze": ("#####", "#   #", "### #", "#   #", "#####"),
    "Medium": (
        "########", "#  ##  #", "#  #   #", "##   ###", "#  #   #", "# #  # #", "#   #  #",
        "########",
    ),
    "Large": (
        "############", "#    #     #", "# ## # # # #", "#      #   #", "# #### ### #",
        "#  # #     #", "## # # # ###", "#  #   #   #", "############",
    ),
}  # fmt: skip
"""Maps of Gymnasium-Robotics by size, seen from above: # is a wall."""


def _walls(size: str, cell: float) -> tuple[Wall, ...]:
    """Return the walls of a maze whose middle is the origin, neighbours of a row in one."""
    rows = _MAZES[size]
    left, top = -cell * len(rows[0]) / 2, cell * len(rows) / 2
    found = []
    for number, row in enumerate(rows):
        y1 = top - cell * number
        start = 0
        for end in range(1, len(row) + 1):
            if end == len(row) or row[end] != row[start]:
                if row[start] == "#":
                    found.append(Wall(left + cell * start, y1 - cell, left + cell * end, y1))
                start = end
    return tuple(found)


def _maze(size: str, cell: float) -> Ground:
    """Return a maze with flat observations: achieved goal, desired goal, the rest."""
    return Ground(place=(0, 1), goal_dimensions=(2, 3), walls=_walls(size, cell))


_POINT_CELL, _ANT_CELL = 1.0, 4.0
"""Sides of a cell of the mazes."""

GROUNDS: Mapping[str, Ground] = {
    POINT_MASS: Ground((0, 1), (2, 3), danger=Disc(0.5, 0.5, 0.3), sides=(0.0, 1.0)),
    RISKY_ANT: Ground((0, 1), goal=(10.0, 10.0), danger=Disc(5.0, 5.0, 3.0)),
    **{f"PointMaze_{size}-v3": _maze(size, _POINT_CELL) for size in _MAZES},
    **{f"AntMaze_{size}-v5": _maze(size, _ANT_CELL) for size in _MAZES},
}
"""By environment; those whose observations tell no place are left out."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    POINT_MASS: ("x", "y", "goal x", "goal y"),
    "Pendulum-v1": ("cos angle", "sin angle", "speed"),
    **{
        f"PointMaze_{size}-v3": (
            "x", "y", "goal x", "goal y", "x again", "y again", "speed x", "speed y",
        )
        for size in ("UMaze", "Medium", "Large")
    },
}  # fmt: skip


def observation_names(environment: str, size: int) -> tuple[str, ...]:
    """Return a name for each observation dimension: known ones, else s0, s1..."""
    names = _NAMES.get(environment, ())
    return names if len(names) == size else tuple(f"s{place}" for place in range(size))


def action_names(size: int) -> tuple[str, ...]:
    """Return a0, a1..."""
    return tuple(f"a{place}" for place in range(size))
