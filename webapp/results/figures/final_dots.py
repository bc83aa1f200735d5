"""Final results: a dot per run, the mean with its 95% interval, one line per group."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.figures.palette import figure, style
from webapp.results.figures.scales import is_share
from webapp.results.figures.text import plain
from webapp.results.statistics import MeanCI


@dataclass(frozen=True)
class FinalDots:
    """The final values of one group, one per run, with the addresses of their jobs."""

    name: str
    algorithm: str
    variant: int
    values: tuple[float, ...]
    urls: tuple[str, ...]
    interval: MeanCI


def draw(rows: Sequence[FinalDots], metric: Metric) -> go.Figure:
    """Return the dot plot, first group on top."""
    names = [plain(row.name) for row in rows]
    title = f"{metric.label} ({metric.unit})" if metric.unit else metric.label
    return figure(
        [
            trace
            for row, name in zip(rows, names, strict=True)
            for trace in (_runs(row, name), _mean(row, name))
        ],
        xaxis={
            "title": {"text": plain(title)},
            "range": [-0.02, 1.02] if is_share(metric) else None,
        },
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        height=110 + 34 * len(rows),
    )


def _runs(row: FinalDots, name: str) -> go.Scatter:
    look = style(row.algorithm, row.variant)
    return go.Scatter(
        x=list(row.values),
        y=[name] * len(row.values),
        mode="markers",
        marker={
            "color": look.colour_light,
            "size": 11,
            "symbol": "circle-open",
            "line": {"width": 1.2},
        },
        customdata=[[url] for url in row.urls],
        hovertemplate=f"{name}<br>one run: %{{x:.4g}}<br>click to open it<extra></extra>",
        showlegend=False,
    )


def _mean(row: FinalDots, name: str) -> go.Scatter:
    look = style(row.algorithm, row.variant)
    margin = row.interval.margin
    words = f"± {margin:.3g} (N = {row.interval.n})" if margin is not None else "one run"
    return go.Scatter(
        x=[row.interval.mean],
        y=[name],
        mode="markers",
        marker={"color": look.colour_light, "size": 8, "symbol": look.marker},
        error_x={
            "type": "data",
            "array": [margin or 0.0],
            "color": look.colour_light,
            "thickness": 1.8,
            "width": 5,
            "visible": margin is not None,
        },
        hovertemplate=f"<b>{name}</b><br>mean %{{x:.4g}} {words}<extra></extra>",
        showlegend=False,
    )
