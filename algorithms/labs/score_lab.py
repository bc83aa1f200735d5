"""A score network looked at in a plane: its field, a log density along lines, losses by level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from algorithms.control_data.scaling import Scaling
from algorithms.control_models.levels import denoising_losses, loss_floor
from algorithms.control_models.score import ScoreModel

Floats = NDArray[np.float64]

FIELD_WORK = 2_000_000_000
"""Weights times points that one picture may ask of a network: well below a second."""
LOSS_ROWS = 1024


@dataclass(frozen=True)
class Coordinates:
    """The coordinates of x that a network sees: names, and their units in the environment's."""

    names: tuple[str, ...]
    offset: Floats
    """[D]; x_raw = offset + factor x, and the raw score is the score / factor."""
    factor: Floats
    """[D]."""
    states: int
    """How many of them are of the observation; the others are of the action."""

    @classmethod
    def of(cls, scaling: Scaling, names: Sequence[str], *, joint: bool) -> "Coordinates":
        """Return those of a network; `names` has all observation dimensions, then actions."""
        kept = [*np.flatnonzero(scaling.kept), *range(len(scaling.kept), len(names))]
        middle, half = (scaling.high + scaling.low) / 2, (scaling.high - scaling.low) / 2
        offset = np.concatenate([scaling.mean, middle]).astype(np.float64)
        factor = np.concatenate([scaling.deviation, half]).astype(np.float64)
        states = len(scaling.mean)
        count = len(kept) if joint else states
        chosen = tuple(names[place] for place in kept[:count])
        return cls(chosen, offset[:count], factor[:count], states)

    def __len__(self) -> int:
        return len(self.names)

    def normalised(
        self, scaling: Scaling, observations: NDArray[np.float32], actions: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return rows [N, D] as the network sees them."""
        both = np.concatenate([observations[:, scaling.kept], actions], axis=1)[:, : len(self)]
        return np.asarray((both - self.offset) / self.factor, np.float32)


@dataclass(frozen=True)
class Plane:
    """Two coordinates of x = (s, a) that vary, the others held; all in normalised units."""

    axes: tuple[int, int]
    held: Floats
    """[D]; the values on the two axes do not count."""
    xs: Floats
    """Increasing."""
    ys: Floats

    def points(self) -> NDArray[np.float32]:
        """Return the grid as rows [len(ys) len(xs), D], x fastest."""
        grid = np.tile(self.held.astype(np.float32), (len(self.ys) * len(self.xs), 1))
        across, up = np.meshgrid(self.xs, self.ys)
        grid[:, self.axes[0]], grid[:, self.axes[1]] = across.ravel(), up.ravel()
        return grid


def grid_size(model: ScoreModel, most: int) -> int:
    """Return how many points a side a picture may have: fewer for large networks."""
    weights = sum(value.numel() for value in model.parameters())
    return max(9, min(most, int((FIELD_WORK / max(1, weights)) ** 0.5)))


def field_in(model: ScoreModel, plane: Plane, level: float) -> Floats:
    """Return the score, all its components, in the plane [ys, xs, D], in normalised units."""
    found = model.score(torch.from_numpy(plane.points()), level).numpy().astype(np.float64)
    return np.asarray(found.reshape(len(plane.ys), len(plane.xs), -1))


@dataclass(frozen=True)
class LogDensity:
    """log density up to a constant, integrated along lines of the grid."""

    values: Floats
    """[ys, xs], mean of the two ways; 0 at the largest."""
    gap_max: float
    """Largest difference between the two ways: first along x, then y, and the other way round.
    The gradient of a density gives 0; a network's field is not exactly one."""
    span: float
    """Largest minus smallest value, which the gap is small or large against."""


def integrated(field: Floats, xs: Floats, ys: Floats) -> LogDensity:
    """Return the line integral of a field from the middle of its grid, by the trapezoidal rule."""
    row, column = len(ys) // 2, len(xs) // 2
    along_x, along_y = _cumulative(field[..., 0].T, xs).T, _cumulative(field[..., 1], ys)
    along_x = along_x - along_x[:, [column]]
    along_y = along_y - along_y[[row]]
    x_first = along_x[[row]] + along_y
    y_first = along_y[:, [column]] + along_x
    values = (x_first + y_first) / 2
    values = values - values.max()
    return LogDensity(values, float(np.abs(x_first - y_first).max()), float(-values.min()))


def _cumulative(values: Floats, places: Floats) -> Floats:
    """Return integrals along the first axis, from its first place."""
    steps = np.diff(places)[:, None] * (values[1:] + values[:-1]) / 2
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(steps, axis=0)])


def gaussian_floors(rows: Floats, levels: Sequence[float]) -> list[float]:
    """Return the smallest denoising loss on a Gaussian with the covariance of the rows [N, D].

    Over the directions of the covariance it is the sum of T1's floors. Data that are no Gaussian
    can be denoised better, never worse: it is what the best linear network reaches on them.
    """
    covariance = np.atleast_2d(np.cov(rows, rowvar=False))
    deviations = np.sqrt(np.linalg.eigvalsh(covariance).clip(min=0))
    return [sum(loss_floor(float(each), level, 1) for each in deviations) for level in levels]


@torch.no_grad()
def sample_losses(model: ScoreModel, rows: NDArray[np.float32]) -> list[float]:
    """Return the denoising loss at each of the network's levels on at most 1,024 rows [N, D]."""
    step = max(1, len(rows) // LOSS_ROWS)
    points = torch.from_numpy(np.ascontiguousarray(rows[::step][:LOSS_ROWS]))[None]
    noise = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    found = []
    for level in model.predictor.levels:
        levels = level.expand(points.shape[:2])
        predicted = model.predicted_noise(points + level * noise, levels)
        found.append(float(denoising_losses(predicted, noise).mean()))
    return found
