"""How good a behaviour policy was at each of its stages."""

from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures.palette import COLOURS, figure
from webapp.results.figures.text import plain


def draw(stages: Sequence[tuple[int, float, str]]) -> go.Figure:
    """Return the curve of (environment steps, mean return, name of the stage)."""
    if not stages:
        return figure([])
    steps, returns, names = zip(*stages, strict=True)
    line = go.Scatter(
        x=list(steps),
        y=list(returns),
        customdata=[plain(name) for name in names],
        mode="lines+markers",
        marker={"size": 8},
        line={"color": COLOURS["blue"].light},
        hovertemplate="%{customdata}: mean return %{y:.4g} after %{x:,} steps<extra></extra>",
        showlegend=False,
    )
    return figure(
        [line],
        xaxis={"title": {"text": "Environment steps"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Mean return of tuning episodes"}},
    )
