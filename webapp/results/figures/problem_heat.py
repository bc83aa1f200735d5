"""Heat map of problems by runs: the share correct, or its change against a base run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from webapp.results.figures.palette import figure
from webapp.results.figures.text import plain
from webapp.results.statistics import FloatArray

_GREEN, _BLUE, _RED = "rgba(0,134,95,", "rgba(0,96,181,", "rgba(199,62,10,"
"""Green, blue and vermillion of the palette; they turn with the theme."""
SHARE_SCALE = [[0.0, f"{_GREEN}0.04)"], [1.0, f"{_GREEN}1)"]]
CHANGE_SCALE = [[0.0, f"{_RED}1)"], [0.5, f"{_RED}0)"], [0.5, f"{_BLUE}0)"], [1.0, f"{_BLUE}1)"]]
MIN_HEIGHT, MAX_HEIGHT = 260, 620


@dataclass(frozen=True)
class HeatColumn:
    """One run."""

    name: str
    values: FloatArray
    """Per problem, in order of the rows: shares from 0 to 1, or changes from -1 to 1."""
    prefix: str
    """Start of the addresses of its answers; the number of the problem follows."""
    places: tuple[int, ...]
    """That number, per row."""


def draw(columns: Sequence[HeatColumn], *, change: bool) -> go.Figure:
    """Return the map, first problem on top; `layout.meta.links` says where each cell leads.

    Args:
        change: whether values are changes, drawn in two colours around zero.
    """
    problems = columns[0].values.size if columns else 0
    if problems == 0:
        return figure([], meta={"empty": "No problem is listed by this filter."})
    values = np.stack([column.values for column in columns], axis=1)
    names = [plain(column.name) for column in columns]
    word = "change: %{z:+d} points" if change else "%{z} % correct"
    trace = go.Heatmap(
        z=np.rint(100 * values).astype(np.int8),
        x=names,
        zmin=-100 if change else 0,
        zmax=100,
        colorscale=CHANGE_SCALE if change else SHARE_SCALE,
        hovertemplate=f"%{{x}}<br>place %{{y}} of the list<br>{word}<extra></extra>",
        colorbar={"title": {"text": "points" if change else "% correct"}, "thickness": 12},
        ygap=1 if problems <= MAX_HEIGHT // 8 else 0,
        xgap=1,
        y0=1,
        dy=1,
    )
    return figure(
        [trace],
        xaxis={
            "tickmode": "array",
            "tickvals": names,
            "type": "category",
            "ticktext": [name if len(name) <= 28 else f"{name[:27]}…" for name in names],
            "autotickangles": [0, -40],
            "showgrid": False,
        },
        yaxis={"autorange": "reversed", "title": {"text": "Problems"}, "showgrid": False},
        height=int(np.clip(120 + 6 * problems, MIN_HEIGHT, MAX_HEIGHT)),
        meta={"links": _links(columns)},
    )


def _links(columns: Sequence[HeatColumn]) -> dict[str, Any]:
    """Return prefixes and numbers; numbers that several columns share are written once."""
    distinct = list(dict.fromkeys(column.places for column in columns))
    return {
        "columns": [[column.prefix, distinct.index(column.places)] for column in columns],
        "places": distinct,
    }
