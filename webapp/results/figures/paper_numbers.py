"""Published numbers, the paper's or others', over a figure: hollow markers, a thin dotted line."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from webapp.results.figures.palette import style
from webapp.results.figures.text import plain


@dataclass(frozen=True)
class PaperLine:
    """One group as the paper has it."""

    name: str
    algorithm: str
    """Empty draws it in grey: nothing here is its like."""
    variant: int
    x: tuple[float | str, ...]
    y: tuple[float, ...]


def overlay(drawn: go.Figure, lines: Sequence[PaperLine], whose: str = "paper") -> go.Figure:
    """Return the figure with published numbers over it, those of `whose`."""
    for line in lines:
        look = style(line.algorithm, line.variant)
        drawn.add_trace(
            go.Scatter(
                x=list(line.x),
                y=list(line.y),
                mode="lines+markers",
                name=plain(f"{line.name} ({whose})"),
                line={"color": look.faint, "width": 1.2, "dash": "dot"},
                marker={
                    "symbol": f"{look.marker.removesuffix('-open')}-open",
                    "size": 9,
                    "color": look.colour_light,
                },
                hovertemplate=f"{plain(line.name)}, {plain(whose)}: %{{y:.4g}}<extra></extra>",
            )
        )
    return drawn
