"""Sizes of what each environment sees and takes: what a form or an import needs of a simulator."""

from collections.abc import Mapping
from dataclasses import dataclass

from algorithms.environments.table import POINT_MASS, RISKY_ANT


@dataclass(frozen=True)
class Shape:
    """Flat sizes and the bounds that all action dimensions share."""

    observation_size: int
    action_size: int
    action_high: float = 1.0
    """Largest action of each dimension; the smallest is its negative."""


SHAPES: Mapping[str, Shape] = {
    POINT_MASS: Shape(4, 2),
    "Pendulum-v1": Shape(3, 1, 2.0),
    "PointMaze_UMaze-v3": Shape(8, 2),
    "PointMaze_Medium-v3": Shape(8, 2),
    "PointMaze_Large-v3": Shape(8, 2),
    "HalfCheetah-v5": Shape(17, 6),
    "Hopper-v5": Shape(11, 3),
    "Walker2d-v5": Shape(17, 6),
    "Ant-v5": Shape(105, 8),
    "AntMaze_UMaze-v5": Shape(109, 8),
    "AntMaze_Medium-v5": Shape(109, 8),
    "AntMaze_Large-v5": Shape(109, 8),
    RISKY_ANT: Shape(107, 8),
}
"""By environment; a test compares them with the simulators."""
