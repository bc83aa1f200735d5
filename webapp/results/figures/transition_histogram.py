"""How episode returns or lengths of a data set of transitions are distributed."""

import itertools
from collections.abc import Sequence
from typing import Literal

import plotly.graph_objects as go

from webapp.results.figures.palette import COLOURS, figure

_TITLES = {"return": "Return of an episode, undiscounted", "length": "Steps of an episode"}


def draw(
    edges: Sequence[float], counts: Sequence[int], *, of: Literal["return", "length"]
) -> go.Figure:
    """Return the histogram; there is one edge more than there are counts."""
    pairs = list(itertools.pairwise(edges))
    bars = go.Bar(
        x=[(low + high) / 2 for low, high in pairs],
        y=list(counts),
        width=[0.94 * (high - low) for low, high in pairs],
        customdata=[[f"{low:.4g} to {high:.4g}"] for low, high in pairs],
        marker={"color": COLOURS["blue" if of == "return" else "green"].light},
        hovertemplate="%{y:,} episodes of %{customdata[0]}<extra></extra>",
        showlegend=False,
    )
    return figure(
        [bars],
        xaxis={"title": {"text": _TITLES[of]}},
        yaxis={"title": {"text": "Episodes"}, "rangemode": "tozero"},
    )
