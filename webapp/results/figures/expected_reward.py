"""The expected reward of a bandit's policies over updates, on a logarithmic axis."""

from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures import palette
from webapp.results.figures.text import plain
from webapp.results.figures.trajectory import Trajectory


def draw(paths: Sequence[Trajectory], best: float | None) -> go.Figure:
    """Return the plot; a dotted line where the best arm's reward is."""
    grey = palette.BASE.colour_light
    reference = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": best,
        "y1": best,
        "line": {"width": 1, "dash": "dot", "color": grey},
    }
    return palette.figure(
        [_line(one) for one in paths],
        xaxis={"type": "log", "title": {"text": "updates"}},
        yaxis={"title": {"text": "expected reward E[r]"}},
        shapes=[reference] if best is not None else [],
        hovermode="closest",
        meta={"empty": "Nothing played yet."},
    )


def _line(one: Trajectory) -> go.Scatter:
    look = palette.style(one.algorithm, one.variant)
    # A logarithmic axis has no place for the start, update 0.
    first = 1 if one.updates and one.updates[0] == 0 else 0
    name = plain(one.label)
    return go.Scatter(
        x=list(one.updates[first:]),
        y=list(one.rewards[first:]),
        mode="lines",
        name=name,
        line={"color": look.colour_light, "width": 2, "dash": look.dash},
        hovertemplate="%{x:,} updates: E[r] = %{y:.4f}<extra>" + name + "</extra>",
    )
