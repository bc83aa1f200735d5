"""One episode before and after a correction: dimensions of the observation over its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from webapp.results.figures.palette import figure, style
from webapp.results.figures.text import plain
from webapp.results.statistics import FloatArray

PANEL_HEIGHT = 120
MOST = 6
"""Dimensions that are drawn, those that move most."""


@dataclass(frozen=True)
class StateCurve:
    """An episode of one policy."""

    name: str
    algorithm: str
    variant: int
    is_corrected: bool
    observations: FloatArray
    """[T, O]."""
    total: float
    """Its return."""


def draw(curves: Sequence[StateCurve], names: Sequence[str]) -> go.Figure:
    """Return a panel per dimension, those that move most, on one axis of steps.

    Args:
        names: of the O dimensions.
    """
    if not curves:
        return figure([])
    spread = sum(curve.observations.std(axis=0) for curve in curves)
    shown = sorted(sorted(range(len(names)), key=lambda one: -float(spread[one]))[:MOST])
    layout: dict[str, Any] = {}
    traces = []
    for place, dimension in enumerate(shown):
        end = "" if place == 0 else str(place + 1)
        height = 1 / len(shown)
        top = 1 - place * height
        layout[f"yaxis{end}"] = {
            "domain": [top - 0.85 * height, top],
            "title": {"text": plain(names[dimension])},
            "anchor": "x",
        }
        traces += [
            _curve(curve, dimension, f"y{end}", names[dimension], first=place == 0)
            for curve in curves
        ]
    last = "" if len(shown) == 1 else str(len(shown))
    left = len(names) - len(shown)
    return figure(
        traces,
        xaxis={"title": {"text": "Step of the episode"}, "anchor": f"y{last}"},
        **layout,
        height=110 + PANEL_HEIGHT * len(shown),
        legend={"groupclick": "togglegroup"},
        meta={"notes": [f"{left} dimensions that move less are not drawn."] if left else []},
    )


def _curve(curve: StateCurve, dimension: int, axis: str, name: str, *, first: bool) -> go.Scatter:
    look = style(curve.algorithm if curve.is_corrected else "", curve.variant)
    return go.Scatter(
        x=list(range(len(curve.observations))),
        y=curve.observations[:, dimension].tolist(),
        mode="lines",
        name=plain(f"{curve.name} (return {curve.total:.4g})"),
        legendgroup=curve.name,
        showlegend=first,
        yaxis=axis,
        line={
            "color": look.colour_light,
            "width": 2,
            "dash": "solid" if curve.is_corrected else "dot",
        },
        hovertemplate=(
            f"{plain(curve.name)}<br>step %{{x}}: {plain(name)} = %{{y:.4g}}<extra></extra>"
        ),
    )
