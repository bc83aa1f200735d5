"""What stands where episodes happen, drawn under them: walls."""

from collections.abc import Sequence
from typing import Any

from algorithms.environments.grounds import Wall

_GREY = "rgba(125,133,143,"
"""Between ink and paper of both themes."""


def wall_shapes(walls: Sequence[Wall]) -> list[dict[str, Any]]:
    """Return the walls of a maze as Plotly's shapes, below everything."""
    return [
        {
            "type": "rect",
            "layer": "below",
            "x0": wall.x0,
            "x1": wall.x1,
            "y0": wall.y0,
            "y1": wall.y1,
            "fillcolor": f"{_GREY}0.35)",
            "line": {"width": 0},
        }
        for wall in walls
    ]
