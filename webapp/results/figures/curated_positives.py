"""Positives per prompt before and after curation, side by side."""

from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures.outcome_shares import COLOURS
from webapp.results.figures.palette import BASE, figure


def draw(before: Sequence[int], after: Sequence[int] | None) -> go.Figure:
    """Return the histograms; entry k counts the prompts with k correct completions.

    `after` is None where the steps have no result.
    """
    longest = max(len(before), len(after or ()))
    traces = [
        go.Bar(
            x=list(range(longest)),
            y=[*counts, *[0] * (longest - len(counts))],
            name=name,
            marker={"color": colour, "pattern": {"shape": shape, "size": 5, "solidity": 0.35}},
            hovertemplate=f"{name}: %{{y:,}} prompts with %{{x}} positives<extra></extra>",
        )
        for name, counts, colour, shape in (
            ("before", before, BASE.colour_light, "/"),
            ("after", after, COLOURS["correct"], ""),
        )
        if counts is not None
    ]
    return figure(
        traces if longest else [],
        barmode="group",
        bargap=0.2,
        xaxis={
            "title": {"text": "Correct completions of a prompt"},
            "dtick": max(1, -(-longest // 16)),
        },
        yaxis={"title": {"text": "Prompts"}},
    )
