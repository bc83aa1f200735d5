"""A figure over two settings, or of policies by data sets: a cell per pair, its value in it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.figures.palette import figure
from webapp.results.figures.text import plain

LOW_TO_HIGH = [[0.0, "rgba(0,134,95,0.05)"], [1.0, "rgba(0,134,95,0.85)"]]
"""Green of the palette, which turns with the theme; stronger is better."""
CELL_HEIGHT = 46


@dataclass(frozen=True)
class HeatCell:
    """What stands at one pair."""

    value: float
    text: str
    """In the cell."""
    hover: str


@dataclass(frozen=True)
class HeatTable:
    """Cells by row and column; pairs that nobody evaluated are missing."""

    rows: tuple[str, ...]
    """From top to bottom."""
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], HeatCell] = field(default_factory=dict)


def draw(
    table: HeatTable, metric: Metric, *, x_title: str, y_title: str, notes: Sequence[str] = ()
) -> go.Figure:
    """Return the map, first row on top; the stronger a colour, the better the value."""
    if not table.cells:
        return figure([], meta={"notes": list(notes)})
    grid = [[table.cells.get((row, column)) for column in table.columns] for row in table.rows]
    trace = go.Heatmap(
        z=[[cell.value if cell else None for cell in line] for line in grid],
        x=[plain(name) for name in table.columns],
        y=[plain(name) for name in table.rows],
        text=[[plain(cell.text) if cell else "" for cell in line] for line in grid],
        texttemplate="%{text}",
        customdata=[[["", plain(cell.hover) if cell else ""] for cell in line] for line in grid],
        hovertemplate="%{customdata[1]}<extra></extra>",
        hoverongaps=False,
        colorscale=LOW_TO_HIGH,
        reversescale=metric.better == "lower",
        colorbar={"title": {"text": plain(metric.unit)}, "thickness": 12},
        xgap=2,
        ygap=2,
    )
    longest = max(len(name) for name in table.columns)
    return figure(
        [trace],
        xaxis={
            "type": "category",
            "title": {"text": plain(x_title)},
            "showgrid": False,
            "tickangle": -30 if longest * len(table.columns) > 90 else 0,
        },
        yaxis={
            "type": "category",
            "title": {"text": plain(y_title)},
            "autorange": "reversed",
            "showgrid": False,
        },
        height=130 + CELL_HEIGHT * max(2, len(table.rows)),
        meta={"notes": list(notes)},
    )


def number(value: float) -> str:
    """Return a value as short as a cell can hold it."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
