"""How hard the prompts are: how many of them have 0, 1, 2... correct completions."""

from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures.outcome_shares import COLOURS
from webapp.results.figures.palette import figure


def draw(prompts: Sequence[int]) -> go.Figure:
    """Return the histogram; `prompts[k]` prompts have k correct completions."""
    counts = list(prompts)
    bars = go.Bar(
        x=list(range(len(counts))),
        y=counts,
        marker={"color": COLOURS["correct"]},
        hovertemplate="%{y:,} prompts have %{x} correct completions<extra></extra>",
        showlegend=False,
    )
    return figure(
        [bars] if sum(counts) else [],
        xaxis={"title": {"text": "Correct completions of a prompt"}, "dtick": _tick(len(counts))},
        yaxis={"title": {"text": "Prompts"}},
        bargap=0.15,
    )


def _tick(bars: int) -> int:
    return max(1, -(-bars // 16))
