"""Curves of one metric over several seeds: smoothing, the mean with its band, thinning for drawing.

Order matters and is fixed: each seed is smoothed by itself, then the seeds are aggregated, so that
the band is a t interval for the mean of exactly what is drawn; then, last, points are thinned for
drawing, keeping every bucket's extremes. Exports hold the raw points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from webapp.results.statistics import CONFIDENCE, FloatArray, IntArray, columns_ci

GRID = 400
"""Points of the common x-axis where seeds have to be interpolated."""


class XAxis(StrEnum):
    """What a curve is drawn against."""

    STEPS = "steps"
    SAMPLES = "samples"
    TOKENS = "tokens"
    SECONDS = "seconds"
    TOTAL = "total"


@dataclass(frozen=True)
class Curve:
    """One metric of one training, in order of steps."""

    seed: int
    x: FloatArray
    y: FloatArray

    def finite(self) -> "Curve":
        """Return the curve without points that are not numbers."""
        keep = np.isfinite(self.y) & np.isfinite(self.x)
        return self if keep.all() else Curve(self.seed, self.x[keep], self.y[keep])


@dataclass(frozen=True)
class Band:
    """Mean over seeds with its interval at each x; low and high are NaN where one seed is there."""

    x: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    n: IntArray
    is_interpolated: bool
    """Seeds had no common x, so each was interpolated linearly between its own points."""

    def take(self, rows: IntArray) -> "Band":
        """Return the band at some of its points."""
        return Band(
            self.x[rows],
            self.mean[rows],
            self.low[rows],
            self.high[rows],
            self.n[rows],
            self.is_interpolated,
        )


def smooth(values: FloatArray, weight: float) -> FloatArray:
    """Return the exponential moving average of a curve, free of the bias towards zero.

    Args:
        weight: share of the past in each point; 0 changes nothing, 0.9 averages about ten points.

    Raises:
        ValueError: weight outside [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"the smoothing weight must be at least 0 and below 1, not {weight}")
    if weight == 0:
        return values
    averaged = np.empty_like(values)
    total = norm = 0.0
    for index, value in enumerate(values.tolist()):
        total = weight * total + (1 - weight) * value
        norm = weight * norm + (1 - weight)
        averaged[index] = total / norm
    return averaged


def band(
    curves: Sequence[Curve], *, smoothing: float = 0.0, confidence: float = CONFIDENCE
) -> Band:
    """Return the mean curve of several seeds with a t interval at each x.

    Where the seeds share every x they have so far (steps and samples do), the numbers at an x are
    exactly those logged there; a seed that is not there yet is simply not counted. Otherwise
    (tokens, seconds) each seed is interpolated linearly on a common grid, never beyond its ends.
    """
    finite = [curve.finite() for curve in curves]
    smoothed = [Curve(c.seed, c.x, smooth(c.y, smoothing)) for c in finite if c.x.size]
    if not smoothed:
        nothing = np.empty(0)
        return Band(nothing, nothing, nothing, nothing, np.empty(0, dtype=np.int64), False)
    interpolate = not _share_x(smoothed)
    x = _grid(smoothed) if interpolate else np.unique(np.concatenate([c.x for c in smoothed]))
    table = np.stack([_on(curve, x, interpolate=interpolate) for curve in smoothed])
    mean, margin, n = columns_ci(table, confidence)
    return Band(x, mean, mean - margin, mean + margin, n, interpolate)


def _share_x(curves: Sequence[Curve]) -> bool:
    """Whether every curve's points are among those of the longest one."""
    longest = max(curves, key=lambda curve: curve.x.size)
    return all(bool(np.isin(curve.x, longest.x).all()) for curve in curves)


def _grid(curves: Sequence[Curve]) -> FloatArray:
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    return x if x.size <= GRID else np.linspace(x[0], x[-1], GRID)


def _on(curve: Curve, x: FloatArray, *, interpolate: bool) -> FloatArray:
    if interpolate:
        return np.interp(x, curve.x, curve.y, left=np.nan, right=np.nan)
    values = np.full(x.shape, np.nan)
    values[np.searchsorted(x, curve.x)] = curve.y
    return values


def keep_extremes(values: FloatArray, limit: int) -> IntArray:
    """Return at most `limit` rows, in order: both ends and every bucket's lowest and highest."""
    if values.size <= limit:
        return np.arange(values.size)
    edges = np.linspace(0, values.size, max(1, (limit - 2) // 2) + 1).astype(np.int64)
    kept = {0, values.size - 1}
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        bucket = values[start:stop]
        kept |= {start + int(np.argmin(bucket)), start + int(np.argmax(bucket))}
    return np.array(sorted(kept), dtype=np.int64)
