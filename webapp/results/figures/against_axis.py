"""Final values against a setting or against rounds: a line per group, 95% intervals over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.figures.palette import figure, style
from webapp.results.figures.text import plain
from webapp.results.statistics import MeanCI


@dataclass(frozen=True)
class AxisPoint:
    """One group at one place."""

    x: float | str
    interval: MeanCI
    values: tuple[float, ...]
    """One per seed, drawn faint."""


@dataclass(frozen=True)
class AxisLine:
    """One group over all its places, from left to right."""

    name: str
    algorithm: str
    variant: int
    points: tuple[AxisPoint, ...]


@dataclass(frozen=True)
class HorizontalLine:
    """A value that does not depend on the axis, such as that of the base policy."""

    name: str
    value: float


def draw(
    lines: Sequence[AxisLine],
    metric: Metric,
    *,
    x_title: str,
    log_x: bool = False,
    levels: Sequence[HorizontalLine] = (),
    notes: Sequence[str] = (),
) -> go.Figure:
    """Return the plot; places that are texts keep their order."""
    drawn = [line for line in lines if line.points]
    traces = [_seeds(line) for line in drawn] + [_line(line, metric) for line in drawn]
    title = f"{metric.label} ({metric.unit})" if metric.unit else metric.label
    x_axis: dict[str, Any] = {"title": {"text": plain(x_title)}}
    places = list(dict.fromkeys(point.x for line in drawn for point in line.points))
    if any(isinstance(place, str) for place in places):
        x_axis |= {"type": "category", "categoryorder": "array", "categoryarray": places}
    elif log_x:
        x_axis |= {"type": "log"}
    if places and (log_x or len(places) <= 12):
        x_axis |= {"tickmode": "array", "tickvals": places, "ticktext": [_tick(p) for p in places]}
    base = style("")
    shapes = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": level.value,
            "y1": level.value,
            "line": {"color": base.colour_light, "width": 1.4, "dash": base.dash},
            "label": {"text": plain(level.name), "textposition": "start", "font": {"size": 11}},
        }
        for level in (levels if drawn else ())
    ]
    return figure(
        traces,
        xaxis=x_axis,
        yaxis={"title": {"text": plain(title)}},
        shapes=shapes,
        legend={"groupclick": "togglegroup"},
        meta={"notes": list(notes)},
    )


def _tick(place: float | str) -> str:
    return plain(place) if isinstance(place, str) else f"{place:g}"


def _line(line: AxisLine, metric: Metric) -> go.Scatter:
    look = style(line.algorithm, line.variant)
    margins = [point.interval.margin for point in line.points]
    words = [
        f"± {margin:.3g} (N = {point.interval.n})" if margin is not None else "one seed"
        for margin, point in zip(margins, line.points, strict=True)
    ]
    return go.Scatter(
        x=[point.x for point in line.points],
        y=[point.interval.mean for point in line.points],
        mode="lines+markers",
        name=plain(line.name),
        legendgroup=line.name,
        line={"color": look.colour_light, "width": 2.4, "dash": look.dash},
        marker={"symbol": look.marker, "size": 9, "color": look.colour_light},
        error_y={
            "type": "data",
            "array": [margin or 0.0 for margin in margins],
            "color": look.colour_light,
            "thickness": 1.4,
            "width": 4,
            "visible": any(margins),
        },
        customdata=[["", text] for text in words],
        hovertemplate=(
            f"<b>{plain(line.name)}</b><br>%{{x}}<br>{plain(metric.label)} = %{{y:.4g}} "
            "%{customdata[1]}<extra></extra>"
        ),
    )


def _seeds(line: AxisLine) -> go.Scatter:
    look = style(line.algorithm, line.variant)
    return go.Scatter(
        x=[point.x for point in line.points for _ in point.values],
        y=[value for point in line.points for value in point.values],
        mode="markers",
        name=plain(f"{line.name}, seeds"),
        legendgroup=line.name,
        showlegend=False,
        marker={"color": look.faint, "size": 6, "symbol": "circle"},
        hoverinfo="skip",
    )
