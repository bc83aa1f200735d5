"""States of a data set in two dimensions, coloured by their episode's return or their step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from algorithms.environments.grounds import Disc, Wall
from webapp.results.figures.data_states import danger_shapes
from webapp.results.figures.ground_shapes import wall_shapes
from webapp.results.figures.palette import figure
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class ScatterPicture:
    """What is drawn."""

    places: NDArray[np.float64]
    """[N, 2]."""
    values: NDArray[np.float64]
    """[N]."""
    rows: NDArray[np.int64]
    """[N]; row of the data set."""
    labels: tuple[str, str]
    values_label: str
    danger: Disc | None = None
    walls: Sequence[Wall] = ()


def draw(picture: ScatterPicture) -> go.Figure:
    """Return the plot; cividis reads the same with every kind of colour vision."""
    x, y, value = (plain(label) for label in (*picture.labels, picture.values_label))
    dots = go.Scatter(
        x=np.round(picture.places[:, 0], 5).tolist(),
        y=np.round(picture.places[:, 1], 5).tolist(),
        mode="markers",
        customdata=picture.rows.tolist(),
        marker={
            "size": 4,
            "opacity": 0.75,
            "color": np.round(picture.values, 4).tolist(),
            "colorscale": "Cividis",
            "colorbar": {"title": {"text": value, "side": "right"}, "thickness": 12},
        },
        hovertemplate=(
            f"row %{{customdata:,}}: %{{x:.4g}}, %{{y:.4g}}<br>{value} %{{marker.color:.4g}}"
            "<extra></extra>"
        ),
        showlegend=False,
    )
    equal = (
        {"scaleanchor": "x", "scaleratio": 1} if picture.danger is not None or picture.walls else {}
    )
    return figure(
        [dots],
        xaxis={"title": {"text": x}, "constrain": "domain"},
        yaxis={"title": {"text": y}, **equal},
        shapes=[*wall_shapes(picture.walls), *danger_shapes(picture.danger)],
    )
