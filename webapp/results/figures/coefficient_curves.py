"""The coefficient of grad log pi against the ratio pi/mu, for several algorithms at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from webapp.results.figures import palette
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class CoefficientCurve:
    """c(x, A) of one choice at each ratio, for A = +1 and A = -1."""

    label: str
    algorithm: str
    variant: int
    ratios: Sequence[float]
    positive: Sequence[float]
    negative: Sequence[float]


def draw(curves: Sequence[CoefficientCurve]) -> go.Figure:
    """Return two plots above each other: positive advantages, and negative ones."""
    traces = [trace for curve in curves for trace in _pair(curve)]
    ticks = {
        "type": "log",
        "tickvals": [0.01, 0.1, 1, 10],
        "ticktext": ["0.01", "0.1", "1 (on policy)", "10"],
    }
    return palette.figure(
        traces,
        xaxis={**ticks, "anchor": "y2", "title": {"text": "ratio π/μ"}},
        yaxis={"domain": [0.54, 1], "title": {"text": "c at A = +1"}, "zeroline": True},
        yaxis2={"domain": [0, 0.46], "title": {"text": "c at A = −1"}, "zeroline": True},
        shapes=[_on_policy()],
        hovermode="closest",
        meta={"empty": "Choose an algorithm: its coefficient is drawn here."},
    )


def _pair(curve: CoefficientCurve) -> list[go.Scatter]:
    look = palette.style(curve.algorithm, curve.variant)
    name = plain(curve.label)
    sides: tuple[tuple[Sequence[float], str], ...] = (
        (curve.positive, "y"),
        (curve.negative, "y2"),
    )
    return [
        go.Scatter(
            x=list(curve.ratios),
            y=list(values),
            yaxis=axis,
            mode="lines",
            name=name,
            legendgroup=f"{name} {curve.variant}",
            showlegend=axis == "y",
            line={"color": look.colour_light, "width": 2, "dash": look.dash},
            hovertemplate="π/μ = %{x:.3g}: c = %{y:.4g}<extra>" + name + "</extra>",
        )
        for values, axis in sides
    ]


def _on_policy() -> dict[str, Any]:
    return {
        "type": "line",
        "x0": 1,
        "x1": 1,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "opacity": 0.5,
        "line": {"width": 1, "dash": "dot", "color": palette.BASE.colour_light},
    }
