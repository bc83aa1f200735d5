"""Which version of the policy writes each batch, and how old it is when it is learned from."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from algorithms.online.schedule import Step
from webapp.results.figures.palette import figure

_COLOURS = ("#4477AA", "#CC6677", "#228833", "#AA7744", "#66708A", "#882255")
_DASHES = ("solid", "dash", "dot", "dashdot")


def draw(schedules: Mapping[str, Sequence[Step]]) -> go.Figure:
    """Return versions v(b) above lags lag(b), a line for each schedule by its name."""
    traces: list[go.Scatter] = []
    for number, (name, steps) in enumerate(schedules.items()):
        line = {
            "shape": "hv",
            "color": _COLOURS[number % len(_COLOURS)],
            "dash": _DASHES[number // len(_COLOURS) % len(_DASHES)],
            "width": 1.8,
        }
        batches = [step.update for step in steps]
        shared = {"x": batches, "mode": "lines", "line": line, "name": name, "legendgroup": name}
        traces += [
            go.Scatter(
                **shared,
                y=[step.version for step in steps],
                yaxis="y2",
                showlegend=len(schedules) > 1,
                hovertemplate=f"{name}: batch %{{x:,}} is written by version %{{y:,}}"
                "<extra></extra>",
            ),
            go.Scatter(
                **shared,
                y=[step.lag for step in steps],
                showlegend=False,
                hovertemplate=f"{name}: batch %{{x:,}} is %{{y:,}} updates old<extra></extra>",
            ),
        ]
    return figure(
        traces,
        xaxis={"title": {"text": "Batch b, learned from by update b"}, "anchor": "y"},
        yaxis={"title": {"text": "lag(b), updates"}, "domain": [0, 0.44], "rangemode": "tozero"},
        yaxis2={"title": {"text": "version v(b)"}, "domain": [0.56, 1], "rangemode": "tozero"},
    )
