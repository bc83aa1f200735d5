"""The coefficient of grad log pi against the ratio pi/mu, for a reward of each sign."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures import palette


@dataclass(frozen=True)
class Coefficients:
    """c(x, R) of one algorithm at each ratio, for R = +1 and R = -1."""

    ratios: Sequence[float]
    positive: Sequence[float]
    negative: Sequence[float]


def draw(algorithm: str, curves: Coefficients) -> go.Figure:
    """Return the plot: ratio on a logarithmic axis, positives solid, negatives dashed."""
    look = palette.style(algorithm)
    traces = [
        go.Scatter(
            x=list(curves.ratios),
            y=list(values),
            mode="lines",
            name=name,
            line={"color": look.colour_light, "width": 2.5, "dash": dash},
            hovertemplate="π/μ = %{x:.3g}: %{y:.3g}<extra>" + name + "</extra>",
        )
        for name, values, dash in (
            ("R = +1, pushed up", curves.positive, "solid"),
            ("R = −1, pushed down", curves.negative, "dash"),
        )
    ]
    on_policy = {
        "type": "line",
        "x0": 1,
        "x1": 1,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "opacity": 0.5,
    }
    on_policy["line"] = {"width": 1, "dash": "dot", "color": palette.BASE.colour_light}
    return palette.figure(
        traces,
        xaxis={
            "type": "log",
            "title": {"text": "ratio π/μ of a completion"},
            "tickvals": [0.01, 0.1, 1, 10],
            "ticktext": ["0.01", "0.1", "1 (on policy)", "10"],
        },
        yaxis={"title": {"text": "coefficient of ∇ log π"}, "zeroline": True},
        shapes=[on_policy],
        hovermode="x unified",
    )
