"""Pictures of environments, drawn from their observations without a simulator's display."""

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from algorithms.environments.point_mass import DANGER_CENTRE, DANGER_RADIUS, GOAL, REACH
from algorithms.environments.table import POINT_MASS

Picture = NDArray[np.uint8]
"""[H, W, 3]."""
Place = tuple[float, float]

_FINER = 3
"""Drawn so many times larger, then made smaller: smooth edges."""
_PAPER, _INK, _LINE = "#ffffff", "#1f2933", "#c3cad3"
_DANGER, _DANGER_EDGE, _GOAL, _PATH = "#f7d7c4", "#c2410c", "#0b7a4b", "#2563a8"


class Drawing(Protocol):
    """Draws the observations of one episode."""

    pictures_per_s: int

    def begin(self) -> None:
        """Forget the episode before."""
        ...

    def draw(self, observation: NDArray[np.float32]) -> Picture:
        """Return a picture of the next observation."""
        ...


class _Sheet:
    """A square sheet of paper, larger than the picture that is made of it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.side = size * _FINER
        self.image = Image.new("RGB", (self.side, self.side), _PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def disc(self, centre: Place, radius: float, fill: str, edge: str | None = None) -> None:
        x, y = centre
        box = (x - radius, y - radius, x + radius, y + radius)
        self.pen.ellipse(box, fill=fill, outline=edge, width=_FINER)

    def picture(self) -> Picture:
        small = self.image.resize((self._size, self._size), Image.Resampling.BOX)
        return np.asarray(small, np.uint8)


class PointMassDrawing:
    """Risky PointMass from above: danger zone, goal, the point and its path."""

    pictures_per_s = 10

    def __init__(self, size: int) -> None:
        self._size = size
        self._path: list[Place] = []

    def begin(self) -> None:
        """Forget the path."""
        self._path = []

    def draw(self, observation: NDArray[np.float32]) -> Picture:
        """Return the picture of an observation [4]."""
        sheet = _Sheet(self._size)
        margin = 0.04 * sheet.side
        unit = sheet.side - 2 * margin

        def at(x: float, y: float) -> Place:
            return margin + unit * x, margin + unit * (1 - y)

        self._path.append(at(float(observation[0]), float(observation[1])))
        sheet.disc(at(*DANGER_CENTRE), unit * DANGER_RADIUS, _DANGER, _DANGER_EDGE)
        sheet.disc(at(*GOAL), unit * REACH, _GOAL)
        sheet.pen.rectangle((*at(0, 1), *at(1, 0)), outline=_LINE, width=_FINER)
        if len(self._path) > 1:
            sheet.pen.line(self._path, fill=_PATH, width=round(0.008 * unit), joint="curve")
        for place in self._path[:-1]:
            sheet.disc(place, 0.007 * unit, _PATH)
        sheet.disc(self._path[-1], 0.02 * unit, _INK)
        return sheet.picture()


class PendulumDrawing:
    """The pendulum from the side; upright is where it should stay."""

    pictures_per_s = 20

    def __init__(self, size: int) -> None:
        self._size = size

    def begin(self) -> None:
        """Need nothing."""

    def draw(self, observation: NDArray[np.float32]) -> Picture:
        """Return the picture of an observation: cosine and sine from upright, speed."""
        sheet = _Sheet(self._size)
        middle, length = sheet.side / 2, 0.36 * sheet.side
        angle = math.atan2(float(observation[1]), float(observation[0]))
        # Counter-clockwise from upright, as Gymnasium draws it.
        tip = (middle - length * math.sin(angle), middle - length * math.cos(angle))
        sheet.disc((middle, middle), length, _PAPER, _LINE)
        sheet.pen.line(
            [(middle, middle - 1.08 * length), (middle, middle - 0.92 * length)],
            fill=_GOAL,
            width=round(0.012 * sheet.side),
        )
        width = round(0.05 * sheet.side)
        sheet.pen.line([(middle, middle), tip], fill=_DANGER_EDGE, width=width)
        sheet.disc(tip, width / 2, _DANGER_EDGE)
        sheet.disc((middle, middle), width / 2, _DANGER_EDGE)
        sheet.disc((middle, middle), 0.012 * sheet.side, _INK)
        return sheet.picture()


DRAWINGS: Mapping[str, type[PointMassDrawing] | type[PendulumDrawing]] = {
    POINT_MASS: PointMassDrawing,
    "Pendulum-v1": PendulumDrawing,
}
"""By environment; the others are rendered by their simulator."""
