"""How far an engine's log-probabilities are from those of the training stack, token by token."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures.palette import figure

COLOUR = "#4477AA"


def draw(edges: Sequence[float], counts: Sequence[int], *, warn_at: float) -> go.Figure:
    """Return the histogram of |engine - trainer| in nats, a bin per quarter of a decade.

    Args:
        edges: of the bins, one more than there are; the first bin begins at 0, the last is open.
        counts: tokens in each bin.
        warn_at: the mean above which a launch warns, drawn as a line.
    """
    total = sum(counts)
    if not total:
        return figure([])
    first = max(0, next(number for number, count in enumerate(counts) if count) - 1)
    last = len(counts) - next(n for n, count in enumerate(reversed(counts)) if count)
    shown = range(first, last)
    bars = go.Bar(
        x=list(shown),
        hovertext=[_name(edges, number, len(counts)) for number in shown],
        y=[counts[number] / total for number in shown],
        customdata=[counts[number] for number in shown],
        marker={"color": COLOUR},
        hovertemplate="%{hovertext} nats: %{customdata:,} tokens, %{y:.1%}<extra></extra>",
        showlegend=False,
    )
    marked = [number for number in shown if edges[number] <= warn_at < edges[number + 1]]
    line = {
        "type": "line", "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": "#BB5566", "dash": "dot"},
    }  # fmt: skip
    ticks = [number for number in shown if _is_decade(edges[number])]
    return figure(
        [bars],
        xaxis={
            "title": {"text": "|engine − trainer| per token (nats)"},
            "tickvals": [number - 0.5 for number in ticks],
            "ticktext": [f"{edges[number]:.0e}" if edges[number] else "0" for number in ticks],
        },
        yaxis={"title": {"text": "Share of tokens"}, "tickformat": ".0%"},
        shapes=[{**line, "x0": place, "x1": place} for place in marked],
        bargap=0.05,
    )


def _is_decade(edge: float) -> bool:
    return edge == 0 or math.isclose(math.log10(edge), round(math.log10(edge)), abs_tol=1e-9)


def _name(edges: Sequence[float], number: int, bins: int) -> str:
    if number == bins - 1:
        return f"from {edges[number]:.2g}"
    return f"{edges[number]:.2g} to {edges[number + 1]:.2g}"
