"""Denoising losses of a score network at each noise level, against what a Gaussian allows."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures import palette
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class LossLine:
    """One line."""

    name: str
    values: Sequence[float]
    colour: str
    dash: str
    marker: str


def draw(levels: Sequence[float], lines: Sequence[LossLine], chosen: float | None) -> go.Figure:
    """Return the plot; the chosen level is marked."""
    traces = [
        go.Scatter(
            x=list(levels),
            y=list(line.values),
            mode="lines+markers",
            name=plain(line.name),
            line={"color": palette.COLOURS[line.colour].light, "dash": line.dash, "width": 2},
            marker={"symbol": line.marker, "size": 7},
            hovertemplate="σ = %{x:.4g}: %{y:.4g}<extra>" + plain(line.name) + "</extra>",
        )
        for line in lines
    ]
    mark = {
        "type": "line", "x0": chosen, "x1": chosen, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"width": 1, "dash": "dot", "color": palette.BASE.colour_light},
    }  # fmt: skip
    return palette.figure(
        traces,
        xaxis={"type": "log", "dtick": 1, "title": {"text": "noise level σ, normalised units"}},
        yaxis={"title": {"text": "denoising loss"}, "rangemode": "tozero"},
        shapes=[mark] if chosen else [],
        meta={"empty": "Choose a score network: its losses are drawn here."},
    )
