"""pass@K and maj@K against K: one solid and one dotted line per group, with error bars."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures.palette import figure, style
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class AtKPoint:
    """One figure of one group at one K."""

    k: int
    value: float
    margin: float | None
    """Half the width of the bar; None where nothing tells it."""
    words: str
    """What the bar is."""


@dataclass(frozen=True)
class AtKCurves:
    """The two curves of one group."""

    name: str
    algorithm: str
    variant: int
    passes: tuple[AtKPoint, ...]
    majorities: tuple[AtKPoint, ...]


def draw(groups: Sequence[AtKCurves], notes: Sequence[str] = ()) -> go.Figure:
    """Return the plot; `layout.meta.notes` says what the bars are."""
    traces = [
        _trace(group, points, word, dash)
        for group in groups
        for points, word, dash in (
            (group.passes, "pass@K", "solid"),
            (group.majorities, "maj@K", "dot"),
        )
        if points
    ]
    ks = sorted({point.k for group in groups for point in group.passes})
    return figure(
        traces,
        xaxis={
            "title": {"text": "K completions per problem"},
            "type": "log",
            "tickmode": "array",
            "tickvals": ks,
            "ticktext": [str(k) for k in ks],
        },
        yaxis={"title": {"text": "Share of problems"}, "range": [-0.02, 1.02]},
        height=340,
        meta={"notes": list(notes)},
    )


def _trace(group: AtKCurves, points: Sequence[AtKPoint], word: str, dash: str) -> go.Scatter:
    look = style(group.algorithm, group.variant)
    name = plain(group.name)
    return go.Scatter(
        x=[point.k for point in points],
        y=[point.value for point in points],
        mode="lines+markers",
        name=name,
        legendgroup=name,
        showlegend=word == "pass@K",
        line={"color": look.colour_light, "dash": dash, "width": 1.8},
        marker={"symbol": look.marker, "size": 7},
        error_y={
            "type": "data",
            "array": [point.margin or 0.0 for point in points],
            "color": look.colour_light,
            "thickness": 1.2,
            "width": 4,
        },
        customdata=[["", plain(point.words)] for point in points],
        hovertemplate=(
            f"<b>{name}</b><br>{word}, K = %{{x}}: %{{y:.3f}}<br>%{{customdata[1]}}<extra></extra>"
        ),
    )
