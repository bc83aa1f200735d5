"""Returns of episodes, before and after a correction: histograms or ECDFs with VaR and CVaR."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from webapp.results.figures.palette import figure, style
from webapp.results.figures.text import MOST_NAMES, NAMES_ON_HOVER, plain
from webapp.results.statistics import FloatArray

BINS = 40
PANEL_HEIGHT = 190
MOST_POINTS = 2000
"""Steps of an ECDF that are drawn."""
NOTE = (
    "Dashed: VaR, the return that {level} of episodes are below. Dotted: CVaR, the mean of those "
    "worst episodes."
)


@dataclass(frozen=True)
class Returns:
    """The episodes of one compared group, all its policies together."""

    name: str
    algorithm: str
    variant: int
    values: FloatArray
    var: float
    cvar: float
    is_corrected: bool


@dataclass(frozen=True)
class Panel:
    """Groups that are drawn over each other: a policy, uncorrected and corrected."""

    title: str
    rows: tuple[Returns, ...]


def draw(panels: Sequence[Panel], *, ecdf: bool, level: str) -> go.Figure:
    """Return a panel per policy, one below the other, on one axis of returns.

    Args:
        level: the level of VaR and CVaR in words, such as 10%.
    """
    values = [row.values for panel in panels for row in panel.rows]
    if not values:
        return figure([])
    edges = _edges(np.concatenate(values))
    crowd = len(values)
    traces, layout = [], {}
    for place, panel in enumerate(panels):
        axes = {"xaxis": "x", "yaxis": _name("y", place)}
        for row in panel.rows:
            body = _ecdf(row) if ecdf else _histogram(row, edges)
            top = 1.0 if ecdf else max(_shares(one, edges).max() for one in panel.rows)
            traces += [body.update(axes), *(m.update(axes) for m in _marks(row, top, level))]
        layout[_name("yaxis", place)] = _y_axis(place, len(panels), ecdf=ecdf)
    last = _name("y", len(panels) - 1)
    return figure(
        traces,
        xaxis={"title": {"text": "Return of an episode"}, "anchor": last},
        **layout,
        annotations=[_title(panel.title, place) for place, panel in enumerate(panels)],
        height=110 + PANEL_HEIGHT * len(panels),
        legend={"groupclick": "togglegroup"},
        showlegend=crowd <= MOST_NAMES,
        meta={
            "notes": [NOTE.format(level=level), *([NAMES_ON_HOVER] if crowd > MOST_NAMES else [])]
        },
    )


def _name(start: str, place: int) -> str:
    return start if place == 0 else f"{start}{place + 1}"


def _y_axis(place: int, count: int, *, ecdf: bool) -> dict[str, Any]:
    height = 1 / count
    top = 1 - place * height
    return {
        "domain": [top - 0.82 * height, top],
        "title": {"text": "Share below" if ecdf else "Share"},
        "rangemode": "tozero",
        "anchor": "x",
    }


def _title(text: str, place: int) -> dict[str, Any]:
    return {
        "text": plain(text),
        "xref": "paper",
        "yref": f"{_name('y', place)} domain",
        "x": 0.01,
        "y": 0.98,
        "xanchor": "left",
        "yanchor": "top",
        "showarrow": False,
    }


def _edges(values: FloatArray) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _shares(row: Returns, edges: FloatArray) -> FloatArray:
    counts, _ = np.histogram(row.values, edges)
    return np.asarray(counts / row.values.size)


def _histogram(row: Returns, edges: FloatArray) -> go.Scatter:
    shares = _shares(row, edges)
    x = np.repeat(edges, 2)
    y = np.concatenate([[0.0], np.repeat(shares, 2), [0.0]])
    look = style(row.algorithm, row.variant)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=plain(f"{row.name} ({row.values.size} episodes)"),
        legendgroup=row.name,
        line={"color": look.colour_light, "width": 1.6, "dash": look.dash},
        fill="tozeroy" if row.is_corrected else "none",
        fillcolor=look.band,
        hovertemplate=f"{plain(row.name)}<br>%{{x:.4g}}: %{{y:.1%}}<extra></extra>",
    )


def _ecdf(row: Returns) -> go.Scatter:
    values = np.sort(row.values)
    shares = np.arange(1, values.size + 1) / values.size
    rows = np.unique(np.linspace(0, values.size - 1, min(values.size, MOST_POINTS)).astype(int))
    look = style(row.algorithm, row.variant)
    return go.Scatter(
        x=values[rows],
        y=shares[rows],
        mode="lines",
        name=plain(f"{row.name} ({row.values.size} episodes)"),
        legendgroup=row.name,
        line={"color": look.colour_light, "width": 2, "dash": look.dash, "shape": "hv"},
        hovertemplate=f"{plain(row.name)}<br>%{{y:.1%}} below %{{x:.4g}}<extra></extra>",
    )


def _marks(row: Returns, top: float, level: str) -> list[go.Scatter]:
    look = style(row.algorithm, row.variant)
    return [
        go.Scatter(
            x=[value, value],
            y=[0, top],
            mode="lines+markers",
            name=plain(f"{row.name}: {word}"),
            legendgroup=row.name,
            showlegend=False,
            line={"color": look.colour_light, "width": 1.4, "dash": dash},
            marker={
                "symbol": look.marker,
                "size": [0, 8],
                "color": look.colour_light,
                "line": {"width": 1.2, "color": look.colour_light},
            },
            hovertemplate=(
                f"{plain(row.name)}<br>{word} at {plain(level)}: %{{x:.4g}}<extra></extra>"
            ),
        )
        for word, value, dash in (("VaR", row.var, "dash"), ("CVaR", row.cvar, "dot"))
    ]
