"""The score of a data set in a plane: arrows over data and a background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from webapp.results.figures import palette
from webapp.results.figures.digits import seen
from webapp.results.figures.text import plain

Floats = NDArray[np.float64]

_GREEN, _ORANGE = "rgba(0,134,95,", "rgba(204,132,0,"
"""Green and orange of the palette; they turn with the theme."""
LONGEST = 0.95
"""Length of the longest arrow, in gaps between arrows."""
BARB, TURN = 0.32, 2.6
"""Of an arrow's head: length, as a share of the arrow, and angle in radians."""


@dataclass(frozen=True)
class FieldPicture:
    """What is drawn; places in the units of the axes."""

    xs: Floats
    ys: Floats
    arrows: Floats
    """[ys, xs, 2]."""
    data: Floats
    """[N, 2]; a sample of the data."""
    here: tuple[float, float] | None
    """The point that the plane goes through."""
    labels: tuple[str, str]
    background: Floats | None = None
    """[ys, xs]."""
    background_label: str = ""
    behind: str = "data"
    """What the data's dots are called."""


def draw(picture: FieldPicture) -> go.Figure:
    """Return the plot; the longest twentieth of the arrows is cut to one length."""
    traces: list[Any] = []
    if picture.background is not None:
        traces.append(_background(picture))
    traces += [_data(picture), *arrow_traces(picture.xs, picture.ys, picture.arrows)]
    if picture.here is not None:
        traces.append(_here(picture.here))
    x, y = (plain(label) for label in picture.labels)
    return palette.figure(
        traces,
        xaxis={"title": {"text": x}, "range": _ends(picture.xs), "showgrid": False},
        yaxis={"title": {"text": y}, "range": _ends(picture.ys), "showgrid": False},
        meta={"empty": "Choose a score network: its field is drawn here."},
    )


def _ends(places: Floats) -> list[float]:
    return [float(places[0]), float(places[-1])]


def _background(picture: FieldPicture) -> go.Heatmap:
    assert picture.background is not None
    return go.Heatmap(
        x=picture.xs.tolist(),
        y=picture.ys.tolist(),
        z=seen(picture.background).tolist(),
        colorscale=[[0.0, f"{_GREEN}0)"], [1.0, f"{_GREEN}0.75)"]],
        zsmooth="best",
        colorbar={
            "title": {"text": plain(picture.background_label), "side": "right"},
            "thickness": 10,
        },
        hovertemplate="%{x:.4g}, %{y:.4g}: %{z:.4g}<extra></extra>",
    )


def _data(picture: FieldPicture) -> go.Scatter:
    return go.Scatter(
        x=seen(picture.data[:, 0]).tolist(),
        y=seen(picture.data[:, 1]).tolist(),
        mode="markers",
        name=plain(picture.behind),
        marker={"size": 3, "color": f"{_ORANGE}0.5)"},
        hoverinfo="skip",
    )


def _here(place: tuple[float, float]) -> go.Scatter:
    return go.Scatter(
        x=[place[0]],
        y=[place[1]],
        mode="markers",
        name="held point",
        marker={"size": 10, "symbol": "x", "color": palette.COLOURS["vermillion"].light},
        hovertemplate="held point: %{x:.4g}, %{y:.4g}<extra></extra>",
    )


def arrow_traces(xs: Floats, ys: Floats, arrows: Floats, *, every: int = 2) -> list[go.Scatter]:
    """Return arrows at every second point of a grid, and dots that tell their components.

    Heads are turned in units of the plot's sides, so that they point along their arrows whatever
    the units of the two axes are.
    """
    across, up = np.meshgrid(xs[::every], ys[::every])
    sides = np.array([xs[-1] - xs[0], ys[-1] - ys[0]])
    there = arrows[::every, ::every].reshape(-1, 2)
    relative = there / sides
    length = np.linalg.norm(relative, axis=1)
    longest = float(np.quantile(length, 0.95)) or 1.0
    gap = LONGEST / max(1, len(xs[::every]) - 1)
    drawn = relative * (gap / np.maximum(length, longest))[:, None]
    feet = np.stack([across.ravel(), up.ravel()], axis=1)
    tips = feet + drawn * sides
    line = _segments(feet, tips, drawn, sides)
    look: Mapping[str, Any] = {"color": palette.COLOURS["ink"].light, "width": 1.1}
    return [
        go.Scatter(
            x=line[:, 0].tolist(), y=line[:, 1].tolist(), mode="lines", name="score",
            line=look, hoverinfo="skip", connectgaps=False,
        ),
        go.Scatter(
            x=seen(feet[:, 0]).tolist(), y=seen(feet[:, 1]).tolist(), mode="markers",
            marker={"size": 7, "color": "rgba(0,0,0,0)"}, showlegend=False,
            customdata=np.stack([seen(there[:, 0]), seen(there[:, 1])], axis=1).tolist(),
            hovertemplate="at %{x:.4g}, %{y:.4g}: score %{customdata[0]:.4g}, "
            "%{customdata[1]:.4g}<extra></extra>",
        ),
    ]  # fmt: skip


def _segments(feet: Floats, tips: Floats, drawn: Floats, sides: Floats) -> NDArray[Any]:
    """Return the points of one line through all arrows, with gaps (None) between them."""
    barbs: Sequence[Floats] = [
        tips + BARB * (drawn @ _turned(angle).T) * sides for angle in (TURN, -TURN)
    ]
    gap = np.full_like(feet, np.nan)
    points = np.stack([feet, tips, barbs[0], tips, barbs[1], gap], axis=1).reshape(-1, 2)
    rounded = np.stack([seen(points[:, 0]), seen(points[:, 1])], axis=1).astype(object)
    rounded[np.isnan(points)] = None
    return np.asarray(rounded)


def _turned(angle: float) -> Floats:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])
