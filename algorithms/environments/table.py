"""The environments of the control laboratory: names and constants, without a simulator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from algorithms.base import UserError

POINT_MASS = "OffpolicyLab/RiskyPointMass-v0"
RISKY_ANT = "OffpolicyLab/RiskyAnt-v0"

Family = Literal["pointmass", "pendulum", "maze", "mujoco", "antmaze", "risky_ant"]


@dataclass(frozen=True)
class Reference:
    """Returns that normalised returns are measured by."""

    random: float
    expert: float
    source: Literal["D4RL", "local-normalised"]

    def normalise(self, value: float) -> float:
        """Return 100 (value - random) / (expert - random)."""
        return 100 * (value - self.random) / (self.expert - self.random)


@dataclass(frozen=True)
class Environment:
    """One environment that jobs can make."""

    title: str
    family: Family
    horizon: int
    """Steps after which an episode is cut."""
    reference: Reference | None = None
    """D4RL's, where it has one."""
    scripted: tuple[str, ...] = ()
    """Scripted controllers that know it."""


def _d4rl(random: float, expert: float) -> Reference:
    return Reference(random, expert, "D4RL")


D4RL_REFERENCES: Mapping[str, Reference] = {
    "halfcheetah": _d4rl(-280.178953, 12135.0),
    "hopper": _d4rl(-20.272305, 3234.3),
    "walker2d": _d4rl(1.629008, 4592.3),
    "ant": _d4rl(-325.6, 3879.7),
    "antmaze": _d4rl(0.0, 1.0),
    "maze2d-umaze": _d4rl(23.85, 161.86),
    "maze2d-medium": _d4rl(13.13, 277.39),
    "maze2d-large": _d4rl(6.7, 273.99),
    "maze2d-umaze-dense": _d4rl(68.537689, 193.66285642381482),
    "maze2d-medium-dense": _d4rl(44.264742, 297.4552547777125),
    "maze2d-large-dense": _d4rl(30.569041, 303.4857382709002),
}
"""By the name that D4RL's ids begin with, the level of the data left out."""

ENVIRONMENTS: Mapping[str, Environment] = {
    POINT_MASS: Environment(
        "Risky PointMass", "pointmass", 100, scripted=("detour", "beeline")
    ),
    "Pendulum-v1": Environment("Pendulum", "pendulum", 200, scripted=("swing_up",)),
    "PointMaze_UMaze-v3": Environment("PointMaze U", "maze", 300, scripted=("waypoints",)),
    "PointMaze_Medium-v3": Environment("PointMaze medium", "maze", 600, scripted=("waypoints",)),
    "PointMaze_Large-v3": Environment("PointMaze large", "maze", 800, scripted=("waypoints",)),
    "HalfCheetah-v5": Environment(
        "HalfCheetah", "mujoco", 1000, D4RL_REFERENCES["halfcheetah"]
    ),
    "Hopper-v5": Environment("Hopper", "mujoco", 1000, D4RL_REFERENCES["hopper"]),
    "Walker2d-v5": Environment("Walker2d", "mujoco", 1000, D4RL_REFERENCES["walker2d"]),
    "Ant-v5": Environment("Ant", "mujoco", 1000, D4RL_REFERENCES["ant"]),
    "AntMaze_UMaze-v5": Environment(
        "AntMaze U", "antmaze", 700, D4RL_REFERENCES["antmaze"]
    ),
    "AntMaze_Medium-v5": Environment(
        "AntMaze medium", "antmaze", 1000, D4RL_REFERENCES["antmaze"]
    ),
    "AntMaze_Large-v5": Environment(
        "AntMaze large", "antmaze", 1000, D4RL_REFERENCES["antmaze"]
    ),
    RISKY_ANT: Environment("Risky Ant", "risky_ant", 200),
}  # fmt: skip


def known_environment(name: str) -> Environment:
    """Return what is known of an environment.

    Raises:
        UserError: jobs cannot make it.
    """
    if name not in ENVIRONMENTS:
        raise UserError(
            f"There is no environment {name!r} here. There are: {', '.join(ENVIRONMENTS)}."
        )
    return ENVIRONMENTS[name]


def d4rl_reference(dataset: str) -> Reference | None:
    """Return D4RL's reference returns of a data set id such as hopper-medium-v2, or None.

    Versions 1 and 2 have those of version 0; the longest name that fits counts.
    """
    name = dataset.lower().replace("_", "-")
    fitting = [key for key in D4RL_REFERENCES if name == key or name.startswith(f"{key}-")]
    dense = [key for key in fitting if key.endswith("-dense")]
    if name.startswith("maze2d") and "dense" in name and not dense:
        fitting = [key for key in D4RL_REFERENCES if name.startswith(key.removesuffix("-dense"))]
        fitting = [key for key in fitting if key.endswith("-dense")]
    return D4RL_REFERENCES[max(fitting, key=len)] if fitting else None
