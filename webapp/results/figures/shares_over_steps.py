"""What becomes of completions over updates: correct, invalid, incorrect, stacked to one."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures.outcome_shares import COLOURS, PATTERNS
from webapp.results.figures.palette import figure

ORDER = ("correct", "invalid", "incorrect")
"""From the bottom up, as in TOPR's figure 7 (whose caption exchanges the last two)."""


@dataclass(frozen=True)
class ShareCurves:
    """Mean shares over seeds at each step; they sum to 1."""

    steps: tuple[float, ...]
    correct: tuple[float, ...]
    incorrect: tuple[float, ...]
    invalid: tuple[float, ...]
    seeds: int


def draw(curves: ShareCurves | None, notes: Sequence[str] = ()) -> go.Figure:
    """Return the stacked areas of one group."""
    traces = [] if curves is None else [_area(curves, grade) for grade in ORDER]
    return figure(
        traces,
        xaxis={"title": {"text": "Optimizer steps"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Share of completions"}, "range": [0, 1]},
        hovermode="x unified",
        legend={"traceorder": "normal"},
        meta={"notes": list(notes)},
    )


def _area(curves: ShareCurves, grade: str) -> go.Scatter:
    colour = COLOURS[grade]
    return go.Scatter(
        x=list(curves.steps),
        y=list(getattr(curves, grade)),
        mode="lines",
        name=grade,
        stackgroup="shares",
        line={"width": 0.8, "color": colour},
        fillcolor=colour,
        fillpattern={"shape": PATTERNS[grade], "size": 5, "solidity": 0.3},
        hovertemplate=f"{grade}: %{{y:.1%}}<extra></extra>",
    )
