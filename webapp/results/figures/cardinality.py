"""How many problems have how many correct completions: bars by bin, one colour per group."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures.palette import figure, style
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class CardinalityBars:
    """Shares of problems of one group, per bin; they add up to 1."""

    name: str
    algorithm: str
    variant: int
    labels: tuple[str, ...]
    """Of the bins, such as 1-4."""
    shares: tuple[float, ...]
    samples: int
    """Completions per problem (n)."""


def draw(groups: Sequence[CardinalityBars]) -> go.Figure:
    """Return bars beside each other, bins from left to right."""
    traces = []
    for group in groups:
        look = style(group.algorithm, group.variant)
        traces.append(
            go.Bar(
                x=list(group.labels),
                y=list(group.shares),
                name=plain(group.name),
                marker={
                    "color": look.colour_light,
                    "pattern": {"shape": "/" if group.variant else "", "size": 5, "solidity": 0.35},
                },
                hovertemplate=(
                    f"<b>{plain(group.name)}</b><br>%{{x}} of {group.samples} correct: %{{y:.1%}} "
                    "of problems<extra></extra>"
                ),
            )
        )
    return figure(
        traces,
        barmode="group",
        xaxis={"title": {"text": "Correct completions of a problem"}, "type": "category"},
        yaxis={"title": {"text": "Share of problems"}, "rangemode": "tozero"},
        height=340,
    )
