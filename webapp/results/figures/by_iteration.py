"""Accuracy against iterations of generating and training: TOPR's figures 5 and 12."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.figures.palette import figure, style
from webapp.results.figures.scales import axis_range
from webapp.results.figures.text import plain
from webapp.results.statistics import MeanCI


@dataclass(frozen=True)
class IterationDot:
    """One run after one iteration, with the address of its evaluation."""

    number: int
    value: float
    url: str


@dataclass(frozen=True)
class IterationMean:
    """The mean over runs after one iteration."""

    number: int
    interval: MeanCI


@dataclass(frozen=True)
class IterationCurve:
    """One compared group."""

    name: str
    algorithm: str
    variant: int
    dots: tuple[IterationDot, ...]
    means: tuple[IterationMean, ...]


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as a larger model without training."""

    name: str
    value: float


def draw(
    curves: Sequence[IterationCurve], metric: Metric, *, levels: Sequence[Level] = ()
) -> go.Figure:
    """Return the plot: a mean with its 95% interval per group and iteration, runs as faint dots."""
    traces = [_dots(curve) for curve in curves]
    traces += [_means(curve) for curve in curves]
    numbers = [mean.number for curve in curves for mean in curve.means]
    drawn = figure(
        traces,
        xaxis={
            "title": {"text": "Iteration"},
            "dtick": 1 if max(numbers, default=0) <= 20 else None,
        },
        yaxis={
            "title": {
                "text": plain(f"{metric.label} ({metric.unit})" if metric.unit else metric.label)
            },
            "range": _range(curves, metric),
        },
        height=340,
        hovermode="closest",
        legend={"groupclick": "togglegroup"},
    )
    for level in levels if curves else ():
        drawn.add_hline(
            y=level.value,
            line={"dash": "dash", "width": 1.2, "color": style("").colour_light},
            annotation={"text": plain(level.name)},
        )
    return drawn


def _range(curves: Sequence[IterationCurve], metric: Metric) -> list[float] | None:
    values = [dot.value for curve in curves for dot in curve.dots]
    ends = [(one.interval.low, one.interval.high) for curve in curves for one in curve.means]
    edges = [end for pair in ends for end in pair if end is not None]
    return axis_range(np.array(values), np.array(edges), metric)


def _dots(curve: IterationCurve) -> go.Scatter:
    look, name = style(curve.algorithm, curve.variant), plain(curve.name)
    return go.Scatter(
        x=[dot.number for dot in curve.dots],
        y=[dot.value for dot in curve.dots],
        mode="markers",
        marker={"color": look.faint, "size": 6, "symbol": "circle"},
        customdata=[[dot.url] for dot in curve.dots],
        legendgroup=name,
        showlegend=False,
        hovertemplate=(
            f"{name}<br>one run after iteration %{{x}}: %{{y:.4g}}<br>click to open it"
            "<extra></extra>"
        ),
    )


def _means(curve: IterationCurve) -> go.Scatter:
    look, name = style(curve.algorithm, curve.variant), plain(curve.name)
    margins = [one.interval.margin for one in curve.means]
    words = [
        "one run" if margin is None else f"± {margin:.3g} (N = {one.interval.n})"
        for margin, one in zip(margins, curve.means, strict=True)
    ]
    return go.Scatter(
        x=[one.number for one in curve.means],
        y=[one.interval.mean for one in curve.means],
        mode="lines+markers",
        name=name,
        legendgroup=name,
        line={"color": look.colour_light, "dash": look.dash, "width": 2},
        marker={"symbol": look.marker, "size": 9},
        error_y={
            "type": "data",
            "array": [margin or 0.0 for margin in margins],
            "color": look.colour_light,
            "thickness": 1.4,
            "width": 5,
        },
        customdata=[["", text] for text in words],
        hovertemplate=(
            f"<b>{name}</b><br>after iteration %{{x}}: %{{y:.4g}} %{{customdata[1]}}<extra></extra>"
        ),
    )
