"""Policies over three arms as paths on the simplex, from the start to the last update."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from webapp.results.figures import palette
from webapp.results.figures.text import plain
from webapp.results.figures.trajectory import Trajectory


def draw(paths: Sequence[Trajectory], arms: int) -> go.Figure:
    """Return the ternary plot; a dot at the start, the algorithm's marker at the end."""
    lines = list(paths) if arms == 3 else []
    traces = [_path(one) for one in lines] + [_end(one) for one in lines]
    if lines:
        traces.append(_start(lines[0]))
    nothing = (
        "The simplex is drawn for three arms." if arms and arms != 3 else "Nothing played yet."
    )
    return palette.figure(
        traces,
        ternary={
            "sum": 1,
            "bgcolor": "rgba(0,0,0,0)",
            "aaxis": _axis("arm 1"),
            "baxis": _axis("arm 2"),
            "caxis": _axis("arm 3"),
        },
        margin={"l": 50, "r": 50, "t": 40, "b": 50},
        showlegend=False,
        meta={"empty": nothing},
    )


def _axis(title: str) -> dict[str, Any]:
    grey = palette.BASE.colour_light
    return {
        "title": {"text": title, "font": {"color": grey}},
        "tickfont": {"color": grey, "size": 10},
        "linecolor": grey,
        "gridcolor": "rgba(128,128,128,0.25)",
        "nticks": 5,
        "min": 0,
    }


def _shares(policies: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    return {side: [policy[arm] for policy in policies] for arm, side in enumerate("abc")}


def _path(one: Trajectory) -> go.Scatterternary:
    look = palette.style(one.algorithm, one.variant)
    return go.Scatterternary(
        **_shares(one.policies),
        mode="lines",
        name=plain(one.label),
        line={"color": look.colour_light, "width": 2, "dash": look.dash},
        text=[f"{update:,}" for update in one.updates],
        hovertemplate="%{text} updates: %{a:.4f}, %{b:.4f}, %{c:.4f}<extra>"
        + plain(one.label)
        + "</extra>",
    )


def _end(one: Trajectory) -> go.Scatterternary:
    look = palette.style(one.algorithm, one.variant)
    return go.Scatterternary(
        **_shares(one.policies[-1:]),
        mode="markers",
        cliponaxis=False,
        name=plain(one.label),
        marker={"color": look.colour_light, "symbol": look.marker, "size": 10},
        hovertemplate=f"after {one.updates[-1]:,} updates: %{{a:.4f}}, %{{b:.4f}}, %{{c:.4f}}"
        f"<extra>{plain(one.label)}</extra>",
    )


def _start(one: Trajectory) -> go.Scatterternary:
    return go.Scatterternary(
        **_shares(one.policies[:1]),
        mode="markers+text",
        cliponaxis=False,
        text=["start"],
        textposition="top center",
        textfont={"color": palette.BASE.colour_light},
        marker={"color": palette.BASE.colour_light, "symbol": "circle", "size": 9},
        hovertemplate="start: %{a:.4f}, %{b:.4f}, %{c:.4f}<extra></extra>",
    )
