"""Episodes before and after a correction, from above: paths over the danger zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from algorithms.environments.grounds import Ground
from webapp.results.figures.ground_shapes import wall_shapes
from webapp.results.figures.palette import COLOURS, figure, style
from webapp.results.figures.text import plain
from webapp.results.statistics import FloatArray

_RED = "rgba(199,62,10,"
"""Vermillion of the palette; it turns with the theme."""


@dataclass(frozen=True)
class EpisodePath:
    """One episode: where it went."""

    number: int
    """From 1; equal numbers began at the same reset seed."""
    places: FloatArray
    """[T, 2]."""
    total: float
    """Its return."""
    danger_steps: int


@dataclass(frozen=True)
class PathGroup:
    """The kept episodes of one policy."""

    name: str
    algorithm: str
    variant: int
    is_corrected: bool
    paths: tuple[EpisodePath, ...]


def draw(
    groups: Sequence[PathGroup], ground: Ground, goal: tuple[float, float] | None
) -> go.Figure:
    """Return the paths over the ground; those of one policy share a look."""
    if not any(group.paths for group in groups):
        return figure([])
    traces = [_paths(group) for group in groups] + [_starts(groups)]
    if goal is not None:
        traces.append(_goal(goal))
    sides = {"range": list(ground.sides)} if ground.sides else {}
    return figure(
        traces,
        xaxis={"title": {"text": "x"}, **sides, "constrain": "domain"},
        yaxis={
            "title": {"text": "y"},
            **sides,
            "scaleanchor": "x",
            "scaleratio": 1,
            "constrain": "domain",
        },
        shapes=[*wall_shapes(ground.walls), *([_danger(ground)] if ground.danger else [])],
        height=560,
        meta={
            "notes": [
                "The same numbers of episodes began at the same reset seeds. Red: the danger zone."
                if ground.danger
                else "The same numbers of episodes began at the same reset seeds."
            ]
        },
    )


def _danger(ground: Ground) -> dict[str, Any]:
    zone = ground.danger
    if zone is None:
        return {}
    return {
        "type": "circle",
        "layer": "below",
        "x0": zone.x - zone.radius,
        "x1": zone.x + zone.radius,
        "y0": zone.y - zone.radius,
        "y1": zone.y + zone.radius,
        "fillcolor": f"{_RED}0.12)",
        "line": {"color": f"{_RED}0.6)", "width": 1},
    }


def _paths(group: PathGroup) -> go.Scatter:
    """Return all paths as one trace, with gaps between them; grey where nothing is corrected."""
    look = style(group.algorithm, group.variant)
    colour = look.colour_light if group.is_corrected else style("").colour_light
    x: list[float | None] = []
    y: list[float | None] = []
    words: list[list[str]] = []
    for path in group.paths:
        text = (
            f"episode {path.number}: return {path.total:.4g}, {path.danger_steps} steps in danger"
        )
        x += [*path.places[:, 0].tolist(), None]
        y += [*path.places[:, 1].tolist(), None]
        words += [["", text]] * (len(path.places) + 1)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=plain(group.name),
        line={
            "color": colour,
            "width": 2 if group.is_corrected else 1.6,
            "dash": "solid" if group.is_corrected else "dot",
        },
        marker={"size": 4, "symbol": look.marker, "color": colour},
        customdata=words,
        hovertemplate=f"{plain(group.name)}<br>%{{customdata[1]}}<extra></extra>",
    )


def _starts(groups: Sequence[PathGroup]) -> go.Scatter:
    firsts = {path.number: path.places[0] for group in groups for path in group.paths}
    return go.Scatter(
        x=[float(place[0]) for place in firsts.values()],
        y=[float(place[1]) for place in firsts.values()],
        mode="markers",
        name="start",
        marker={"size": 7, "symbol": "circle-open", "color": style("").colour_light},
        hovertemplate="start<extra></extra>",
    )


def _goal(goal: tuple[float, float]) -> go.Scatter:
    return go.Scatter(
        x=[goal[0]],
        y=[goal[1]],
        mode="markers",
        name="goal",
        marker={"size": 13, "symbol": "star", "color": COLOURS["green"].light},
        hovertemplate="goal<extra></extra>",
    )
