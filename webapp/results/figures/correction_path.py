"""The way of one action through its corrections, over what the data did near that state."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from webapp.results.figures import palette
from webapp.results.figures.score_field import arrow_traces
from webapp.results.figures.text import plain

Floats = NDArray[np.float64]

_ORANGE = "rgba(204,132,0,"
"""Orange of the palette; it turns with the theme."""
REACH = 1.15


@dataclass(frozen=True)
class PathPicture:
    """What is drawn; actions in [-1, 1]."""

    path: Floats
    """[K + 1, 2], from the policy's action to the last; [K + 1, 1] where actions are one number."""
    near: Floats
    """[N, 2] or [N, 1]; actions of the data near the state."""
    labels: tuple[str, str]
    field: tuple[Floats, Floats] | None = None
    """Places along an axis, and the score there [Y, X, 2]."""


def draw(picture: PathPicture) -> go.Figure:
    """Return the plot; actions of one number go up over the corrections."""
    if picture.path.shape[1] == 1:
        return _over_corrections(picture)
    traces: list[Any] = [_near(picture.near[:, 0], picture.near[:, 1])]
    if picture.field is not None:
        places, arrows = picture.field
        traces += arrow_traces(places, places, arrows, every=1)
    x, y = picture.path[:, 0], picture.path[:, 1]
    traces += [_way(x, y), *_ends(x, y)]
    side = {"range": [-REACH, REACH], "showgrid": False, "constrain": "domain"}
    return palette.figure(
        traces,
        xaxis={**side, "title": {"text": plain(picture.labels[0])}},
        yaxis={**side, "title": {"text": plain(picture.labels[1])}, "scaleanchor": "x"},
        shapes=[_bounds()],
    )


def _over_corrections(picture: PathPicture) -> go.Figure:
    corrections = np.arange(len(picture.path), dtype=float)
    spread = -0.75 + 0.5 * np.linspace(0, 1, len(picture.near)) * (len(picture.near) > 1)
    y = picture.path[:, 0]
    return palette.figure(
        [_near(spread, picture.near[:, 0]), _way(corrections, y), *_ends(corrections, y)],
        xaxis={"title": {"text": "corrections (left of 0: data near this state)"}},
        yaxis={"range": [-REACH, REACH], "title": {"text": plain(picture.labels[0])}},
    )


def _near(x: Floats, y: Floats) -> go.Scatter:
    return go.Scatter(
        x=np.round(x, 4).tolist(), y=np.round(y, 4).tolist(), mode="markers",
        name="data near this state", marker={"size": 5, "color": f"{_ORANGE}0.55)"},
        hovertemplate="data: %{x:.3g}, %{y:.3g}<extra></extra>",
    )  # fmt: skip


def _way(x: Floats, y: Floats) -> go.Scatter:
    return go.Scatter(
        x=x.tolist(), y=y.tolist(), mode="lines+markers", name="corrections",
        line={"color": palette.COLOURS["blue"].light, "width": 2.5},
        marker={"size": 6, "color": palette.COLOURS["blue"].light},
        text=[f"after {number} corrections" if number else "policy" for number in range(len(x))],
        hovertemplate="%{text}: %{x:.4g}, %{y:.4g}<extra></extra>",
    )  # fmt: skip


def _ends(x: Floats, y: Floats) -> list[go.Scatter]:
    looks = (
        ("policy’s action", 0, "diamond-open", "vermillion"),
        ("corrected", -1, "star", "blue"),
    )
    return [
        go.Scatter(
            x=[float(x[place])], y=[float(y[place])], mode="markers", name=name,
            marker={
                "size": 14, "symbol": symbol, "color": palette.COLOURS[colour].light,
                "line": {"width": 2, "color": palette.COLOURS[colour].light},
            },
            hovertemplate=f"{name}: %{{x:.4g}}, %{{y:.4g}}<extra></extra>",
        )
        for name, place, symbol, colour in looks
    ]  # fmt: skip


def _bounds() -> dict[str, Any]:
    """Return the square that actions are clipped to."""
    line = {"width": 1, "dash": "dot", "color": palette.BASE.colour_light}
    return {"type": "rect", "x0": -1, "x1": 1, "y0": -1, "y1": 1, "line": line}
