"""Episodes before and after a correction, seen from above, with frames that can be played."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from algorithms.environments.grounds import Disc, Wall
from webapp.results.figures import palette
from webapp.results.figures.data_states import danger_shapes
from webapp.results.figures.digits import seen
from webapp.results.figures.ground_shapes import wall_shapes
from webapp.results.figures.text import plain

Floats = NDArray[np.float64]

LOOKS = (("vermillion", "dot", "circle-open"), ("blue", "solid", "circle"))
"""Colour, dash and marker of what was played before and after."""


@dataclass(frozen=True)
class PlayedPath:
    """One episode."""

    name: str
    """What a point's label calls it: episode and return."""
    places: Floats
    """[T, 2]."""
    danger: NDArray[np.bool_]
    """[T]."""
    links: Sequence[str]
    """Where a click on each step leads; empty where nowhere."""


@dataclass(frozen=True)
class PlayedGroup:
    """The episodes of one evaluation."""

    name: str
    paths: Sequence[PlayedPath]


@dataclass(frozen=True)
class GroundPicture:
    """What is drawn: at most two groups, before and after."""

    groups: Sequence[PlayedGroup]
    goals: Sequence[tuple[float, float]]
    danger: Disc | None
    sides: tuple[float, float] | None
    walls: Sequence[Wall] = ()


def draw(picture: GroundPicture) -> go.Figure:
    """Return the paths with a frame per step; only the dots at their heads move."""
    groups = list(picture.groups)
    if not any(group.paths for group in groups):
        return palette.figure([], meta={"empty": "Choose evaluations that kept trajectories."})
    traces: list[Any] = [_paths(group, place) for place, group in enumerate(groups)]
    traces += [_in_danger(group, place) for place, group in enumerate(groups)]
    traces.append(_goals(picture.goals))
    heads = len(traces)
    traces += [_heads(group, place) for place, group in enumerate(groups)]
    side: dict[str, Any] = {"showgrid": False, "constrain": "domain"}
    if picture.sides:
        pad = 0.02 * (picture.sides[1] - picture.sides[0])
        side["range"] = [picture.sides[0] - pad, picture.sides[1] + pad]
    drawn = palette.figure(
        traces,
        xaxis={**side, "title": {"text": "x"}},
        yaxis={**side, "title": {"text": "y"}, "scaleanchor": "x"},
        shapes=[*wall_shapes(picture.walls), *danger_shapes(picture.danger)],
    )
    steps = max(len(path.places) for group in groups for path in group.paths)
    moving = list(range(heads, heads + len(groups)))
    drawn.frames = [
        go.Frame(name=str(step), traces=moving, data=[_at(group, step) for group in groups])
        for step in range(steps)
    ]
    return drawn


def _paths(group: PlayedGroup, place: int) -> go.Scatter:
    """Return all paths of a group as one line with gaps."""
    colour, dash, _ = LOOKS[place]
    x: list[float | None] = []
    y: list[float | None] = []
    links: list[list[str]] = []
    for path in group.paths:
        x += [*seen(path.places[:, 0]).tolist(), None]
        y += [*seen(path.places[:, 1]).tolist(), None]
        links += [[link, f"{path.name}, step {step}"] for step, link in enumerate(path.links)] + [
            ["", ""]
        ]
    return go.Scatter(
        x=x, y=y, mode="lines+markers", name=plain(group.name), customdata=links,
        line={"color": palette.COLOURS[colour].light, "dash": dash, "width": 1.6},
        marker={"size": 4}, opacity=0.75,
        hovertemplate="%{customdata[1]}: %{x:.3f}, %{y:.3f}<extra>" + plain(group.name)
        + "</extra>",
    )  # fmt: skip


def _in_danger(group: PlayedGroup, place: int) -> go.Scatter:
    found = [path.places[path.danger] for path in group.paths]
    points = np.concatenate(found) if found else np.zeros((0, 2))
    colour, _, symbol = LOOKS[place]
    return go.Scatter(
        x=seen(points[:, 0]).tolist(), y=seen(points[:, 1]).tolist(),
        mode="markers", showlegend=False, hoverinfo="skip",
        marker={"size": 8, "symbol": f"{symbol}-dot" if symbol == "circle" else symbol,
                "color": palette.COLOURS[colour].light, "line": {"width": 2}},
    )  # fmt: skip


def _goals(goals: Sequence[tuple[float, float]]) -> go.Scatter:
    return go.Scatter(
        x=[goal[0] for goal in goals], y=[goal[1] for goal in goals], mode="markers", name="goal",
        marker={"size": 14, "symbol": "star", "color": palette.COLOURS["green"].light},
        hovertemplate="goal: %{x:.3f}, %{y:.3f}<extra></extra>",
    )  # fmt: skip


def _heads(group: PlayedGroup, place: int) -> go.Scatter:
    colour, _, _ = LOOKS[place]
    first = _at(group, 0)
    return go.Scatter(
        x=first.x, y=first.y, mode="markers", showlegend=False, hoverinfo="skip",
        marker={"size": 13, "color": palette.COLOURS[colour].light,
                "line": {"width": 2, "color": palette.COLOURS["ink"].light}},
    )  # fmt: skip


def _at(group: PlayedGroup, step: int) -> go.Scatter:
    """Return where each episode is at a step; one that is over stays where it ended."""
    places = [path.places[min(step, len(path.places) - 1)] for path in group.paths]
    return go.Scatter(
        x=[round(float(place[0]), 5) for place in places],
        y=[round(float(place[1]), 5) for place in places],
    )
