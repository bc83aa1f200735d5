"""What became of the completions: shares of correct, incorrect and invalid, stacked."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures.palette import figure
from webapp.results.figures.text import plain

COLOURS = {"correct": "#00865F", "incorrect": "#CC8400", "invalid": "#1A2322"}
"""Names of the palette: green, orange, ink; they turn with the theme."""
PATTERNS = {"correct": "", "incorrect": "/", "invalid": "x"}
"""So that colour is never the only difference."""


@dataclass(frozen=True)
class OutcomeShares:
    """Shares of one group, over all its runs; they sum to 1."""

    name: str
    correct: float
    incorrect: float
    invalid: float
    completions: int


def draw(rows: Sequence[OutcomeShares]) -> go.Figure:
    """Return horizontal bars, first group on top."""
    names = [plain(row.name) for row in rows]
    traces = []
    for grade, colour in COLOURS.items():
        shares = [float(getattr(row, grade)) for row in rows]
        traces.append(
            go.Bar(
                x=shares,
                y=names,
                orientation="h",
                name=grade,
                marker={
                    "color": colour,
                    "pattern": {"shape": PATTERNS[grade], "size": 5, "solidity": 0.35},
                },
                customdata=[["", row.completions] for row in rows],
                hovertemplate=(
                    f"%{{y}}<br>{grade}: %{{x:.1%}} of %{{customdata[1]:,}} completions"
                    "<extra></extra>"
                ),
            )
        )
    return figure(
        traces,
        barmode="stack",
        bargap=0.35,
        xaxis={"title": {"text": "Share of completions"}, "range": [0, 1]},
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        legend={"traceorder": "normal"},
        height=130 + 34 * len(rows),
    )
