"""A study's figures, panel by panel, from what its runs measured."""

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from webapp.results.figures import expected_reward, paper_numbers
from webapp.studies import axis_drawers, control_drawers, drawers
from webapp.studies.cells import Cell
from webapp.studies.figure_schema import FigureSpec, Panel
from webapp.studies.results import StudyResult, variants_of
from webapp.studies.values import metric_of


def draw(result: StudyResult, spec: FigureSpec, number: int) -> go.Figure:
    """Return one panel of a figure; published numbers lie over it at the scale of their sizes."""
    if spec.kind == "bandit":
        return _bandit(result)
    panel = spec.panels[number]
    cells = result.plan.select(panel.experiment, panel.groups, panel.axes)
    drawn = DRAWERS[spec.kind](result, spec, panel, cells)
    if not result.is_published_scale:
        return drawn
    lines = _paper(spec, panel, cells, variants_of(cells))
    return paper_numbers.overlay(drawn, lines, spec.paper_label)


def _paper(
    spec: FigureSpec,
    panel: Panel,
    cells: Sequence[Cell],
    variants: Mapping[tuple[str, str], int],
) -> list[paper_numbers.PaperLine]:
    looks = {cell.group: (cell.look, variants[cell.experiment, cell.label]) for cell in cells}
    looks |= {cell.label: (cell.look, variants[cell.experiment, cell.label]) for cell in cells}
    return [
        paper_numbers.PaperLine(series.group, *looks.get(series.group, ("", 0)), series.x, series.y)
        for series in spec.paper
        if series.panel in {"", panel.title}
    ]


def _bandit(result: StudyResult) -> go.Figure:
    study = result.study.bandit
    assert study is not None
    paths = [one.trajectory for one in result.played]
    return expected_reward.draw(paths, max(study.bandit.rewards))


Drawer = Callable[[StudyResult, FigureSpec, Panel, Sequence[Cell]], go.Figure]
DRAWERS: Mapping[str, Drawer] = {
    "curves": drawers.curves,
    "shares": drawers.shares,
    "axis": axis_drawers.axis,
    "rounds": axis_drawers.rounds,
    "cardinality": drawers.cardinality_bars,
    "bars": drawers.bars,
    "heat": control_drawers.heat,
    "returns": control_drawers.returns,
    "trajectories": control_drawers.trajectories,
}


def titles(spec: FigureSpec) -> list[str]:
    """Return what stands above each panel; several have the figure's own title above them all."""
    if len(spec.panels) < 2:
        return captions(spec)
    return [panel.title or metric_of(panel.of).label for panel in spec.panels]


def captions(spec: FigureSpec) -> list[str]:
    """Return what each panel shows, told where it stands alone."""
    if len(spec.panels) < 2 and not any(panel.title for panel in spec.panels):
        return [spec.title]
    return [f"{spec.title} · {panel.title or metric_of(panel.of).label}" for panel in spec.panels]
