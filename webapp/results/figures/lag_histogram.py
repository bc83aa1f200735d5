"""How old the completions were that a training learned from."""

from collections.abc import Mapping

import plotly.graph_objects as go

from webapp.results.figures.palette import figure

_COLOUR = "#4477AA"
_MOST_BARS = 60


def draw(counts: Mapping[int, int]) -> go.Figure:
    """Return the histogram of lags in updates, as shares of all completions learned from."""
    total = sum(counts.values())
    if not total:
        return figure([])
    width = -(-(max(counts) + 1) // _MOST_BARS)
    bars: dict[int, int] = {}
    for lag, count in counts.items():
        bars[lag // width] = bars.get(lag // width, 0) + count
    places = sorted(bars)
    names = [
        f"{place * width}" if width == 1 else f"{place * width} to {(place + 1) * width - 1}"
        for place in places
    ]
    return figure(
        [
            go.Bar(
                x=[place * width + (width - 1) / 2 for place in places],
                y=[bars[place] / total for place in places],
                width=0.9 * width,
                customdata=[bars[place] for place in places],
                hovertext=names,
                marker={"color": _COLOUR},
                hovertemplate="lag %{hovertext}: %{customdata:,} completions, %{y:.1%}"
                "<extra></extra>",
                showlegend=False,
            )
        ],
        xaxis={"title": {"text": "Updates between writing and learning (lag)"}},
        yaxis={"title": {"text": "Share of completions"}, "tickformat": ".0%"},
    )
