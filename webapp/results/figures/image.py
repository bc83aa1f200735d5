"""Plots as picture files, for documents: white paper, dark ink, as the pages' own export."""

from collections.abc import Mapping
from pathlib import Path

import plotly.graph_objects as go
import plotly.io
from choreographer.errors import ChromeNotFoundError

from algorithms.base import UserError

WIDTH, HEIGHT = 960, 540
_INK, _MUTED, _GRID, _LINE = "#111111", "#333333", "#e3e3e3", "#777777"
_AXIS = {
    "gridcolor": _GRID,
    "linecolor": _LINE,
    "tickcolor": _LINE,
    "showline": True,
    "ticks": "outside",
    "ticklen": 4,
    "zeroline": False,
    "automargin": True,
    "title": {"font": {"size": 12, "color": _MUTED}, "standoff": 8},
    "tickfont": {"size": 11, "color": _MUTED},
}
PRINT = {
    "paper_bgcolor": "#ffffff",
    "plot_bgcolor": "#ffffff",
    "font": {"size": 12, "color": _INK},
    "xaxis": _AXIS,
    "yaxis": _AXIS,
    "margin": {"l": 56, "r": 14, "t": 14, "b": 46},
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
}
"""Layout of a printed plot: the `printColours` of figures.js."""


def write_images(figures: Mapping[Path, go.Figure]) -> None:
    """Write each figure to its path; the ending says how (.svg, .png, .pdf).

    Raises:
        UserError: there is no Chromium or Chrome to draw with.
    """
    printed = [
        go.Figure(figure).update_layout(template={"layout": PRINT}) for figure in figures.values()
    ]
    heights = [max(HEIGHT, figure.layout.height or 0) for figure in printed]
    try:
        plotly.io.write_images(printed, list(figures), width=WIDTH, height=heights)
    except ChromeNotFoundError as error:
        raise UserError(
            "Pictures are drawn by Chromium or Chrome, and none was found: install one, or name "
            "it in BROWSER_PATH."
        ) from error
