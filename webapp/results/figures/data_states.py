"""States of a data set in two dimensions: a click on one chooses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from algorithms.environments.grounds import Disc
from webapp.results.figures import palette
from webapp.results.figures.digits import seen
from webapp.results.figures.text import plain

_ORANGE, _RED = "rgba(204,132,0,", "rgba(199,62,10,"
"""Orange and vermillion of the palette; they turn with the theme."""


@dataclass(frozen=True)
class StatesPicture:
    """What is drawn."""

    states: NDArray[np.float64]
    """[N, 2]."""
    numbers: Sequence[int]
    """Row of the data set that each is."""
    here: tuple[float, float] | None
    labels: tuple[str, str]
    danger: Disc | None = None
    fills: str = "row"
    """Input of the page's form that a click puts the row's number into."""


def draw(picture: StatesPicture) -> go.Figure:
    """Return the plot."""
    traces: list[Any] = [
        go.Scatter(
            x=seen(picture.states[:, 0]).tolist(),
            y=seen(picture.states[:, 1]).tolist(),
            mode="markers", name="data: click one",
            customdata=list(picture.numbers),
            marker={"size": 6, "color": f"{_ORANGE}0.55)"},
            hovertemplate="row %{customdata:,}: %{x:.4g}, %{y:.4g}<extra></extra>",
        )
    ]  # fmt: skip
    if picture.here is not None:
        traces.append(
            go.Scatter(
                x=[picture.here[0]], y=[picture.here[1]], mode="markers", name="this state",
                marker={"size": 13, "symbol": "x", "color": palette.COLOURS["blue"].light},
                hovertemplate="this state: %{x:.4g}, %{y:.4g}<extra></extra>",
            )
        )  # fmt: skip
    x, y = (plain(label) for label in picture.labels)
    return palette.figure(
        traces,
        xaxis={"title": {"text": x}, "constrain": "domain"},
        yaxis={
            "title": {"text": y},
            "constrain": "domain",
            **({"scaleanchor": "x"} if picture.danger else {}),
        },
        shapes=danger_shapes(picture.danger),
        meta={"fills": {"0": picture.fills}, "also": {"at": "row"}},
    )


def danger_shapes(disc: Disc | None) -> list[dict[str, Any]]:
    """Return the danger zone as a shape below the traces."""
    if disc is None:
        return []
    corners = {
        "x0": disc.x - disc.radius, "x1": disc.x + disc.radius,
        "y0": disc.y - disc.radius, "y1": disc.y + disc.radius,
    }  # fmt: skip
    line = {"color": f"{_RED}0.6)", "width": 1}
    fill = f"{_RED}0.12)"
    return [{"type": "circle", "layer": "below", **corners, "fillcolor": fill, "line": line}]
