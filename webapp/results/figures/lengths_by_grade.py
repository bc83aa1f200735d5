"""How long the completions are, by grade."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from webapp.results.figures.outcome_shares import COLOURS, PATTERNS
from webapp.results.figures.palette import figure
from webapp.results.statistics import IntArray

BINS = 40


def draw(lengths: Mapping[str, IntArray]) -> go.Figure:
    """Return stacked histograms of completion lengths in tokens; "" holds what is not graded."""
    present = {grade: values for grade, values in lengths.items() if values.size}
    if not present:
        return figure([])
    longest = max(int(values.max()) for values in present.values())
    width = max(1, -(-(longest + 1) // BINS))
    edges = np.arange(0, longest + 1 + width, width)
    traces = [
        go.Bar(
            x=(edges[:-1] + (width - 1) / 2).tolist(),
            y=np.histogram(values, edges)[0].tolist(),
            width=width * 0.9,
            name=grade or "completions",
            marker={
                "color": COLOURS.get(grade, "#666F7A"),
                "pattern": {"shape": PATTERNS.get(grade, ""), "size": 5, "solidity": 0.35},
            },
            showlegend=bool(grade),
            hovertemplate=f"{grade} %{{y:,}}, about %{{x:.0f}} tokens<extra></extra>",
        )
        for grade, values in present.items()
    ]
    return figure(
        traces,
        barmode="stack",
        xaxis={"title": {"text": "Completion length (tokens)"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Completions"}},
        legend={"traceorder": "normal"},
    )
