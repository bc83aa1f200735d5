"""A final figure of policies side by side: a bar per correction, seeds as points, 95% intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from algorithms.base import Metric
from webapp.results.figures.palette import COLOURS, figure, style
from webapp.results.figures.text import MOST_NAMES, NAMES_ON_HOVER, plain
from webapp.results.statistics import MeanCI


@dataclass(frozen=True)
class Bar:
    """One compared group."""

    category: str
    """The policy that it stands with."""
    series: str
    """How it is corrected: bars of one name have one pattern."""
    name: str
    algorithm: str
    is_corrected: bool
    interval: MeanCI
    values: tuple[float, ...]
    """One per training seed."""
    urls: tuple[str, ...]
    """Addresses of the evaluations."""
    published: tuple[float, float] | None = None
    """Mean and deviation as others have published them."""


def draw(bars: Sequence[Bar], metric: Metric, whose: str = "") -> go.Figure:
    """Return the bars, those of one policy beside each other.

    Args:
        whose: published numbers are, if there are any.
    """
    categories = list(dict.fromkeys(bar.category for bar in bars))
    series = list(dict.fromkeys(bar.series for bar in bars))
    width = 0.8 / max(1, len(series))
    traces = [
        trace
        for place, name in enumerate(series)
        for trace in _series(
            [bar for bar in bars if bar.series == name], categories, metric,
            offset=(place - (len(series) - 1) / 2) * width, width=width,
        )
    ]  # fmt: skip
    published = list(_middles(bars, categories, series, width))
    if published:
        traces.append(_published(published, whose))
    crowded = len(series) > MOST_NAMES // 2  # these names are long
    title = f"{metric.label} ({metric.unit})" if metric.unit else metric.label
    return figure(
        traces,
        xaxis={
            "tickmode": "array",
            "tickvals": list(range(len(categories))),
            "ticktext": [plain(name) for name in categories],
            "range": [-0.6, len(categories) - 0.4],
            "showgrid": False,
        },
        yaxis={"title": {"text": plain(title)}, "zeroline": True},
        legend={"groupclick": "togglegroup"},
        height=400,
        showlegend=not crowded,
        meta={"notes": [NAMES_ON_HOVER] if crowded else []},
    )


def _middles(
    bars: Sequence[Bar], categories: Sequence[str], series: Sequence[str], width: float
) -> Iterator[tuple[float, Bar]]:
    """Yield the places of the bars that have a published number."""
    for bar in bars:
        if bar.published is not None:
            offset = (series.index(bar.series) - (len(series) - 1) / 2) * width
            yield categories.index(bar.category) + offset, bar


def _published(placed: Sequence[tuple[float, Bar]], whose: str) -> go.Scatter:
    """Return hollow diamonds over the bars."""
    numbers = [bar.published or (0.0, 0.0) for _, bar in placed]
    return go.Scatter(
        x=[place for place, _ in placed],
        y=[mean for mean, _ in numbers],
        error_y={"type": "data", "array": [deviation for _, deviation in numbers], "width": 3},
        mode="markers",
        name=plain(f"{whose}, published"),
        marker={
            "symbol": "diamond-open",
            "size": 11,
            "line": {"width": 2},
            "color": COLOURS["ink"].light,
        },
        customdata=[
            [plain(bar.name), f"{number[1]:.3g}"]
            for (_, bar), number in zip(placed, numbers, strict=True)
        ],
        hovertemplate=(
            f"<b>%{{customdata[0]}}</b>, {plain(whose)}: %{{y:.4g}} ± %{{customdata[1]}} "
            "(deviation over its seeds)<extra></extra>"
        ),
    )


def _series(
    bars: Sequence[Bar], categories: Sequence[str], metric: Metric, *, offset: float, width: float
) -> list[go.Bar | go.Scatter]:
    places = [categories.index(bar.category) + offset for bar in bars]
    return [_means(bars, places, metric, width), _seeds(bars, places)]


def _means(bars: Sequence[Bar], places: Sequence[float], metric: Metric, width: float) -> go.Bar:
    """Return bars with their intervals, corrected ones filled and the others hatched."""
    looks = [style(bar.algorithm) for bar in bars]
    corrected = any(bar.is_corrected for bar in bars)
    margins = [bar.interval.margin for bar in bars]
    name = plain(bars[0].series)
    return go.Bar(
        x=places,
        y=[bar.interval.mean for bar in bars],
        width=0.92 * width,
        name=name,
        legendgroup=name,
        marker={
            "color": [look.colour_light if corrected else look.faint for look in looks],
            "line": {"color": [look.colour_light for look in looks], "width": 1.2},
            "pattern": {"shape": "" if corrected else "/", "fgopacity": 0.5},
        },
        error_y={
            "type": "data",
            "array": [margin or 0.0 for margin in margins],
            "visible": any(margins),
            "color": style("").colour_light,
            "thickness": 1.4,
            "width": 4,
        },
        customdata=[
            [
                "",
                plain(bar.name),
                f"± {margin:.3g} (N = {bar.interval.n})" if margin is not None else "one seed",
            ]
            for bar, margin in zip(bars, margins, strict=True)
        ],
        hovertemplate=(
            f"<b>%{{customdata[1]}}</b><br>{plain(metric.label)} = %{{y:.4g}} "
            "%{customdata[2]}<extra></extra>"
        ),
    )


def _seeds(bars: Sequence[Bar], places: Sequence[float]) -> go.Scatter:
    """Return a circle for every training seed."""
    name = plain(bars[0].series)
    return go.Scatter(
        x=[place for place, bar in zip(places, bars, strict=True) for _ in bar.values],
        y=[value for bar in bars for value in bar.values],
        mode="markers",
        name=f"{name}, seeds",
        legendgroup=name,
        showlegend=False,
        marker={
            "symbol": "circle-open",
            "size": 7,
            "color": COLOURS["ink"].light,
        },
        customdata=[[url] for bar in bars for url in bar.urls],
        hovertemplate="one seed: %{y:.4g}<br>click to open it<extra></extra>",
    )
