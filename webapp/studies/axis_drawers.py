"""Panels against a setting or against rounds: lines with intervals over seeds."""

from collections.abc import Sequence

import plotly.graph_objects as go

from webapp.results.figures import against_axis
from webapp.results.statistics import mean_ci
from webapp.studies.cells import CORRECTION, Cell
from webapp.studies.claim_schema import BASE
from webapp.studies.facts import rounds_of
from webapp.studies.figure_schema import FigureSpec, Panel
from webapp.studies.results import StudyResult, variants_of
from webapp.studies.values import measured, metric_of


def axis(result: StudyResult, spec: FigureSpec, panel: Panel, cells: Sequence[Cell]) -> go.Figure:
    lines: dict[str, list[Cell]] = {}
    for cell in cells:
        if spec.axis in cell.axes:
            name = _line_name(cell, {spec.axis, *panel.axes})
            lines.setdefault(name, []).append(cell)
    seen: dict[str, int] = {}
    drawn = []
    for name, members in lines.items():
        algorithm = members[0].look
        points = [
            point
            for cell in members
            if (point := _axis_point(result, spec, panel, cell)) is not None
        ]
        drawn.append(against_axis.AxisLine(name, algorithm, seen.get(algorithm, 0), tuple(points)))
        seen[algorithm] = seen.get(algorithm, 0) + 1
    title = spec.x_title or spec.axis
    return against_axis.draw(
        drawn,
        metric_of(panel.of),
        x_title=title,
        log_x=spec.log_x,
        levels=[*_base_levels(result, panel), *_levels_beside(result, spec, panel, cells)],
    )


def _line_name(cell: Cell, left_out: set[str]) -> str:
    """Return a group's name with the axis values that tell it from other lines."""
    rest = {k: v for k, v in cell.axes.items() if k not in left_out and k != CORRECTION}
    acts = f" + {cell.axes[CORRECTION]}" if cell.corrects else ""
    return ", ".join([f"{cell.group}{acts}", *(f"{k} = {v}" for k, v in rest.items())])


def _axis_point(
    result: StudyResult, spec: FigureSpec, panel: Panel, cell: Cell
) -> against_axis.AxisPoint | None:
    values = tuple(measured(result.facts, cell, panel.of).by_seed.values())
    if not values:
        return None
    place = cell.axes[spec.axis]
    x: float | str = place if isinstance(place, int | float) else str(place)
    if isinstance(place, int | float):
        x = spec.x_values.get(f"{place:g}", x)
    return against_axis.AxisPoint(x, mean_ci(values), values)


def _base_levels(result: StudyResult, panel: Panel) -> list[against_axis.HorizontalLine]:
    bases = result.plan.select(panel.experiment, (BASE,), panel.axes)
    found = []
    for cell in bases:
        values = measured(result.facts, cell, panel.of.model_copy(update={"round": None})).by_seed
        if values:
            found.append(against_axis.HorizontalLine(cell.label, next(iter(values.values()))))
    return found


def _levels_beside(
    result: StudyResult, spec: FigureSpec, panel: Panel, cells: Sequence[Cell]
) -> list[against_axis.HorizontalLine]:
    """Return means of what the axis does not touch: uncorrected policies beside a correction's."""
    found = []
    for cell in cells:
        if CORRECTION in cell.axes and spec.axis not in cell.axes:
            values = tuple(measured(result.facts, cell, panel.of).by_seed.values())
            if values:
                found.append(against_axis.HorizontalLine(cell.label, mean_ci(values).mean))
    return found


def rounds(
    result: StudyResult, _spec: FigureSpec, panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    variants = variants_of(cells)
    base = _base_levels(result, panel)
    drawn = []
    for cell in cells:
        if not cell.algorithm:
            continue
        points = [_base_point(level) for level in base[:1]]
        for number in range(1, rounds_of(cell) + 1):
            measure = panel.of.model_copy(update={"round": number})
            values = tuple(measured(result.facts, cell, measure).by_seed.values())
            if values:
                points.append(against_axis.AxisPoint(number, mean_ci(values), values))
        variant = variants[cell.experiment, cell.label]
        drawn.append(against_axis.AxisLine(cell.label, cell.look, variant, tuple(points)))
    return against_axis.draw(drawn, metric_of(panel.of), x_title="Iteration")


def _base_point(level: against_axis.HorizontalLine) -> against_axis.AxisPoint:
    return against_axis.AxisPoint(0, mean_ci([level.value]), (level.value,))
