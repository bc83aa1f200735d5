"""Learning curves: seeds faint, their mean bold, the 95% band behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.curves import Band, Curve, XAxis, keep_extremes
from webapp.results.figures.palette import Style, figure, style
from webapp.results.figures.scales import axis_range
from webapp.results.figures.text import plain
from webapp.results.statistics import FloatArray

POINTS_PER_CURVE = 1000
AXIS_TITLES = {
    XAxis.STEPS: "Optimizer steps",
    XAxis.SAMPLES: "Completions trained on",
    XAxis.TOKENS: "Completion tokens trained on",
    XAxis.SECONDS: "Training time without evaluations (s)",
    XAxis.TOTAL: "Generation, shared, and training time (s)",
}


AXIS_NOUNS = {axis: "seconds" if axis is XAxis.TOTAL else str(axis) for axis in XAxis}


@dataclass(frozen=True)
class Mark:
    """Something that happened on a curve."""

    x: float
    text: str
    url: str = ""
    """Of its training, where that is not the curve's: a curve may join several."""


@dataclass(frozen=True)
class SeedCurve:
    """The raw curve of one training and the address of its job."""

    curve: Curve
    url: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class CurveGroup:
    """One compared group: its seeds, and their mean with its band."""

    name: str
    algorithm: str
    variant: int
    seeds: tuple[SeedCurve, ...]
    band: Band


@dataclass(frozen=True)
class Level:
    """A horizontal line: what a policy without training reaches."""

    name: str
    value: float
    url: str


@dataclass(frozen=True)
class Look:
    """What the reader chose."""

    axis: XAxis = XAxis.STEPS
    show_band: bool = True
    log_y: bool = False
    smoothing: float = 0.0


def draw(
    groups: Sequence[CurveGroup],
    metric: Metric,
    look: Look,
    *,
    levels: Sequence[Level] = (),
    notes: Sequence[str] = (),
) -> go.Figure:
    """Return the figure; `notes`, and those of the drawing itself, are in `layout.meta.notes`."""
    drawn = [group for group in groups if group.band.x.size]
    # Bands first, then seeds, then means: nothing may hide a mean.
    traces = [_band(group) for group in drawn if look.show_band and (group.band.n > 1).any()]
    traces += [_seed(group, seed) for group in drawn for seed in group.seeds]
    traces += [_mean(group, metric) for group in drawn]
    traces += [_marks(group, seed) for group in drawn for seed in group.seeds if seed.marks]
    if drawn:
        traces += [_level(level, drawn) for level in levels]
    y_axis: dict[str, Any] = {"title": {"text": _y_title(metric)}}
    if look.log_y:
        y_axis |= {"type": "log", "exponentformat": "power"}
    elif drawn:
        y_axis["range"] = _y_range(drawn, metric, levels, show_band=look.show_band)
    return figure(
        traces,
        xaxis={"title": {"text": AXIS_TITLES[look.axis]}, "rangemode": "tozero"},
        yaxis=y_axis,
        hovermode="closest",
        legend={"groupclick": "togglegroup"},
        meta={"notes": [*notes, *_notes(drawn, look)]},
    )


def _y_title(metric: Metric) -> str:
    return plain(f"{metric.label} ({metric.unit})" if metric.unit else metric.label)


def _mean(group: CurveGroup, metric: Metric) -> go.Scatter:
    look = style(group.algorithm, group.variant)
    band = group.band.take(keep_extremes(group.band.mean, POINTS_PER_CURVE))
    margin = band.high - band.mean
    interval = [
        f"± {half:.3g} (N = {n})" if n > 1 else "one seed, no interval"
        for half, n in zip(margin.tolist(), band.n.tolist(), strict=True)
    ]
    few = band.x.size <= 30
    return go.Scatter(
        x=band.x,
        y=band.mean,
        mode="lines+markers" if few else "lines",
        name=plain(f"{group.name} (N = {_count(group.band)})"),
        legendgroup=f"{group.algorithm}-{group.variant}",
        line={"color": look.colour_light, "width": 2.4, "dash": look.dash},
        marker={"symbol": look.marker, "size": 8, "color": look.colour_light},
        customdata=[["", text] for text in interval],
        hovertemplate=(
            f"<b>{plain(group.name)}</b><br>x = %{{x:,}}<br>"
            f"{plain(metric.label)} = %{{y:.4g}} %{{customdata[1]}}<extra></extra>"
        ),
    )


def _count(band: Band) -> str:
    low, high = int(band.n[band.n > 0].min()), int(band.n.max())
    return str(high) if _is_complete(band) else f"{low}–{high}"


def _is_complete(band: Band) -> bool:
    """Whether every seed is at most points; interpolated seeds may end a little apart."""
    return float((band.n == band.n.max()).mean()) >= (0.9 if band.is_interpolated else 1.0)


def _seed(group: CurveGroup, seed: SeedCurve) -> go.Scatter:
    look = style(group.algorithm, group.variant)
    curve = seed.curve.finite()
    rows = keep_extremes(curve.y, POINTS_PER_CURVE)
    return go.Scatter(
        x=curve.x[rows],
        y=curve.y[rows],
        mode="lines",
        name=plain(f"{group.name}, seed {curve.seed}"),
        legendgroup=f"{group.algorithm}-{group.variant}",
        showlegend=False,
        line={"color": look.faint, "width": 1},
        customdata=[[seed.url]] * rows.size,
        hovertemplate=(
            f"{plain(group.name)}, seed {curve.seed}<br>x = %{{x:,}}<br>%{{y:.4g}}"
            "<br>click to open its job<extra></extra>"
        ),
    )


def _marks(group: CurveGroup, seed: SeedCurve) -> go.Scatter:
    """Return the alarms of a training on its curve."""
    look = style(group.algorithm, group.variant)
    curve = seed.curve.finite()
    x = np.array([mark.x for mark in seed.marks])
    return go.Scatter(
        x=x,
        y=np.interp(x, curve.x, curve.y) if curve.x.size else np.full(x.shape, np.nan),
        mode="markers",
        name=plain(f"{group.name}, seed {curve.seed}: alarms"),
        legendgroup=f"{group.algorithm}-{group.variant}",
        showlegend=False,
        marker={
            "symbol": "x-open",
            "size": 10,
            "color": look.colour_light,
            "line": {"width": 2},
        },
        customdata=[[mark.url or seed.url, plain(mark.text)] for mark in seed.marks],
        hovertemplate=(
            f"<b>{plain(group.name)}, seed {curve.seed}</b><br>x = %{{x:,}}<br>"
            "%{customdata[1]}<br>click to open its job<extra></extra>"
        ),
    )


def _band(group: CurveGroup) -> go.Scatter:
    look = style(group.algorithm, group.variant)
    rows = keep_extremes(group.band.high - group.band.low, POINTS_PER_CURVE)
    x, y = _outline(group.band.take(rows))
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=look.band,
        legendgroup=f"{group.algorithm}-{group.variant}",
        showlegend=False,
        hoverinfo="skip",
        name=plain(f"{group.name}, 95% band"),
    )


def _outline(band: Band) -> tuple[FloatArray, FloatArray]:
    """Return one closed outline per stretch where the band exists, separated by gaps."""
    known = np.isfinite(band.low) & np.isfinite(band.high)
    starts = np.flatnonzero(known & ~np.r_[False, known[:-1]])
    stops = np.flatnonzero(known & ~np.r_[known[1:], False]) + 1
    x: list[FloatArray] = []
    y: list[FloatArray] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        there = slice(start, stop)
        x += [band.x[there], band.x[there][::-1], np.array([np.nan])]
        y += [band.high[there], band.low[there][::-1], np.array([np.nan])]
    return np.concatenate(x), np.concatenate(y)


def _level(level: Level, groups: Sequence[CurveGroup]) -> go.Scatter:
    look: Style = style("")
    start = min(float(group.band.x[0]) for group in groups)
    stop = max(float(group.band.x[-1]) for group in groups)
    return go.Scatter(
        x=[start, stop],
        y=[level.value, level.value],
        mode="lines",
        name=plain(level.name),
        line={"color": look.colour_light, "width": 1.6, "dash": look.dash},
        customdata=[[level.url]] * 2,
        hovertemplate=f"{plain(level.name)}: %{{y:.4g}}<extra></extra>",
    )


def _y_range(
    groups: Sequence[CurveGroup], metric: Metric, levels: Sequence[Level], *, show_band: bool
) -> list[float] | None:
    values = [seed.curve.finite().y for group in groups for seed in group.seeds]
    values.append(np.array([level.value for level in levels]))
    edges = [np.r_[group.band.low, group.band.high] for group in groups if show_band]
    return axis_range(np.concatenate(values), np.concatenate([*edges, []]), metric)


def _notes(groups: Sequence[CurveGroup], look: Look) -> list[str]:
    notes = []
    if look.smoothing:
        notes.append(
            f"Means and bands are of smoothed seeds (weight {look.smoothing:g}); the faint lines "
            "and every export are raw."
        )
    if any(group.band.is_interpolated for group in groups):
        notes.append(
            f"Seeds have no common {AXIS_NOUNS[look.axis]}: each is interpolated linearly between "
            "its points."
        )
    longest = max((group.band.x.size for group in groups), default=0)
    if longest > POINTS_PER_CURVE:
        notes.append(
            f"Drawn from {longest:,} points per curve, thinned to {POINTS_PER_CURVE:,} that keep "
            "every extreme; means and bands come from all of them."
        )
    dropped = sum(
        int((~np.isfinite(seed.curve.y)).sum()) for group in groups for seed in group.seeds
    )
    if dropped:
        notes.append(f"{dropped} points are not finite numbers and are left out.")
    if any((group.band.n == 1).any() and not _is_complete(group.band) for group in groups):
        notes.append("Where one seed is there, the mean is that seed and there is no band.")
    return notes
