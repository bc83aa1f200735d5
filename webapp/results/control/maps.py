"""Figures over two things at once: policies by data sets, and two settings of a correction."""

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go

from webapp.results.control.comparison import ControlComparison, Variant
from webapp.results.control.measures import MEASURES
from webapp.results.control.names import (
    DATASET,
    POLICY,
    at,
    axes_of,
    correction_names,
    words_of,
)
from webapp.results.control.table import figures_of
from webapp.results.figures import heat_map
from webapp.results.figures.heat_map import HeatCell, HeatTable
from webapp.results.groups import as_text
from webapp.results.statistics import MeanCI, mean_ci


def policies_figure(found: ControlComparison) -> go.Figure:
    """Return the chosen figure of policies by data sets."""
    series = correction_names(found.evaluated)
    return _map(
        found,
        found.evaluated,
        row=lambda one: f"{one.policy}, {series[one.key]}" if one.correction else one.policy,
        column=lambda one: one.dataset or "no data set",
        titles=(DATASET, POLICY),
    )


def sensitivity_axes(found: ControlComparison) -> tuple[list[str], str, str]:
    """Return what a sensitivity map can have as axes, and the two that it has."""
    corrected = [one for one in found.evaluated if one.correction]
    offered = axes_of(corrected)
    across = found.choice.across if found.choice.across in offered else ""
    down = found.choice.down if found.choice.down in offered else ""
    rest = [axis for axis in offered if axis not in {across, down}]
    across = across or (rest.pop(0) if rest else "")
    down = down if down and down != across else (rest[0] if rest else "")
    return offered, across, down


def sensitivity_figure(found: ControlComparison) -> go.Figure:
    """Return the chosen figure of corrected policies over two settings."""
    _, across, down = sensitivity_axes(found)
    shown = [
        one
        for one in found.evaluated
        if one.correction and at(one, across) is not None and at(one, down) is not None
    ]
    if not across or not down:
        return heat_map.draw(
            HeatTable((), ()), MEASURES[found.choice.outcome], x_title="", y_title=""
        )
    ordered = sorted(shown, key=lambda one: (_order(at(one, down)), _order(at(one, across))))
    return _map(
        found,
        ordered,
        row=lambda one: as_text(at(one, down)),
        column=lambda one: as_text(at(one, across)),
        titles=(words_of(across), words_of(down)),
    )


def _order(value: Any) -> tuple[int, float, str]:
    number = isinstance(value, int | float)
    return (0, float(value), "") if number else (1, 0.0, str(value))


def _map(
    found: ControlComparison,
    variants: list[Variant],
    *,
    row: Callable[[Variant], str],
    column: Callable[[Variant], str],
    titles: tuple[str, str],
) -> go.Figure:
    """Return a map whose cells are means over every policy that stands there."""
    metric = MEASURES[found.choice.outcome]
    values: dict[tuple[str, str], list[float]] = {}
    members: dict[tuple[str, str], list[Variant]] = {}
    columns: dict[str, Any] = {}
    for one in variants:
        own = figures_of(one, metric.name, found.choice.tail)
        if own:
            key = (row(one), column(one))
            values.setdefault(key, []).extend(own)
            members.setdefault(key, []).append(one)
            columns[key[1]] = _order(
                at(one, titles[0]) if titles[0] == DATASET else _number(key[1])
            )
    cells = {
        key: HeatCell(
            value=float(np.mean(own)),
            text=heat_map.number(float(np.mean(own))),
            hover=_hover(mean_ci(own), members[key]),
        )
        for key, own in values.items()
    }
    mixed = any(len(own) > 1 for own in members.values())
    table = HeatTable(
        rows=tuple(dict.fromkeys(key[0] for key in cells)),
        columns=tuple(sorted(columns, key=lambda name: columns[name])),
        cells=cells,
    )
    notes = ["Cells are means over everything else in which the runs differ."] if mixed else []
    return heat_map.draw(
        table, metric, x_title=titles[0], y_title=titles[1], notes=[metric.help, *notes]
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _hover(interval: MeanCI, members: list[Variant]) -> str:
    margin = "" if interval.margin is None else f" ± {interval.margin:.3g}"
    names = "; ".join(dict.fromkeys(one.name for one in members))
    return f"{names}: {interval.mean:.4g}{margin} (N = {interval.n})"
