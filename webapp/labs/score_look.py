"""A score network with its data, and its field in a plane, in units that people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.control_models.files import StoredScore, load_score
from algorithms.environments.grounds import action_names, observation_names
from algorithms.labs.score_lab import (
    Coordinates,
    Floats,
    LogDensity,
    Plane,
    gaussian_floors,
    integrated,
    sample_losses,
)
from webapp.jobs.models import Job
from webapp.labs import sources

KEPT = 4
"""Networks with their data that a process keeps in memory."""


@dataclass(frozen=True)
class Look:
    """What the chosen network is in the chosen plane."""

    plane: Plane
    coordinates: Coordinates
    level: float
    field: Floats
    """[ys, xs, D], normalised."""
    raw: bool

    @cached_property
    def factors(self) -> tuple[float, float]:
        """What coordinates of the two axes are multiplied by."""
        if not self.raw:
            return 1.0, 1.0
        x, y = self.plane.axes
        return float(self.coordinates.factor[x]), float(self.coordinates.factor[y])

    def shown(self, values: Floats, axis: int) -> Floats:
        """Return coordinates of one of the two axes in the shown units."""
        place = self.plane.axes[axis]
        offset = float(self.coordinates.offset[place]) if self.raw else 0.0
        return np.asarray(offset + self.factors[axis] * values)

    @property
    def arrows(self) -> Floats:
        """The score in the plane [ys, xs, 2], in the shown units."""
        return np.asarray(self.field[..., list(self.plane.axes)] / np.array(self.factors))

    @cached_property
    def density(self) -> LogDensity:
        """The log density by line integrals; the same in any units."""
        return integrated(self.field[..., list(self.plane.axes)], self.plane.xs, self.plane.ys)

    def background(self, name: str) -> Floats | None:
        """Return what is drawn behind the arrows [ys, xs]."""
        match name:
            case "length":
                return np.asarray(np.linalg.norm(self.arrows, axis=-1))
            case "density":
                return self.density.values
            case "indicator":
                return np.asarray(self.level * np.linalg.norm(self.field, axis=-1))
        return None


@dataclass(frozen=True)
class LevelLoss:
    """Denoising losses at one noise level."""

    level: float
    stored: float
    """Of the training job: on held-out episodes, where it kept some."""
    sample: float
    """On rows of the whole data set."""
    floor: float
    """Of a Gaussian with the data's covariance."""


@dataclass(frozen=True)
class Opened:
    """A network with its data."""

    stored: StoredScore
    view: sources.DataView
    coordinates: Coordinates
    rows: NDArray[np.float32]
    """[N, D], normalised."""
    losses: Sequence[float]
    """The training job's, by level."""
    held_out: bool
    """Whether they are of episodes that were kept out of training."""

    @property
    def levels(self) -> list[float]:
        """Noise levels, from large to small."""
        return [float(level) for level in self.stored.model.predictor.levels]

    @cached_property
    def by_level(self) -> list[LevelLoss]:
        """The losses at each level; a few hundred rows go through the network."""
        floors = gaussian_floors(self.rows.astype(np.float64), self.levels)
        found = sample_losses(self.stored.model, self.rows)
        together = zip(self.levels, self.losses, found, floors, strict=True)
        return [LevelLoss(*each) for each in together]


def opened(job: Job) -> Opened:
    """Return a score network with its data; kept in memory.

    Raises:
        UserError: one of them is gone, damaged or too large.
    """
    data = sources.inputs_of(job)["transitions"]
    return _opened(sources.folder_of(job), sources.data_folder(data))


@lru_cache(maxsize=KEPT)
def _opened(score: Path, data: Path) -> Opened:
    stored, told, view = load_score(score), sources.record_of(score), sources.view_of(data)
    names = observation_names(view.data.environment, view.data.observations.shape[1])
    names += action_names(view.data.actions.shape[1])
    joint = stored.params.variables == "joint"
    coordinates = Coordinates.of(stored.scaling, names, joint=joint)
    rows = coordinates.normalised(stored.scaling, view.data.observations, view.data.actions)
    return Opened(stored, view, coordinates, rows, told["losses"], bool(told["held_out"]))
