"""Panels of studies of control: heat maps over two axes, returns of episodes, kept episodes."""

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go

from algorithms.environments.grounds import GROUNDS
from algorithms.evaluation.control import Trajectory
from algorithms.evaluation.risk import Tail
from webapp.results.control.episodes import episodes_of, trajectories_of
from webapp.results.control.measures import statistic_of
from webapp.results.control.trajectories import MOST_PATHS, goal_of
from webapp.results.figures import episode_paths, heat_map, return_distribution
from webapp.results.figures.episode_paths import EpisodePath, PathGroup
from webapp.results.figures.heat_map import HeatCell, HeatTable
from webapp.results.figures.palette import figure
from webapp.results.figures.return_distribution import Returns
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import mean_ci
from webapp.studies.cells import Cell
from webapp.studies.facts import Facts, RunFacts
from webapp.studies.figure_schema import FigureSpec, Panel
from webapp.studies.results import StudyResult, variants_of
from webapp.studies.values import measured, metric_of

GROUP = "group"
"""Axis of a heat map: the compared policies."""


def heat(result: StudyResult, spec: FigureSpec, panel: Panel, cells: Sequence[Cell]) -> go.Figure:
    """Draw means over seeds; pairs that several groups share are averaged, and told."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        across, down = _place(cell, spec.axis), _place(cell, spec.down)
        if across and down:
            found.setdefault((down, across), []).append(cell)
    own = {pair: _heat_cell(result.facts, panel, members) for pair, members in found.items()}
    shown = {pair: cell for pair, cell in own.items() if cell is not None}
    several = any(len(members) > 1 for members in found.values())
    table = HeatTable(
        rows=tuple(dict.fromkeys(down for down, _ in shown)),
        columns=tuple(dict.fromkeys(across for _, across in shown)),
        cells=shown,
    )
    return heat_map.draw(
        table,
        metric_of(panel.of),
        x_title=spec.x_title or _words(spec.axis),
        y_title=_words(spec.down),
        notes=["Cells are means over everything else that differs."] if several else [],
    )


def _place(cell: Cell, axis: str) -> str:
    if axis == GROUP:
        return cell.group
    value = cell.axes.get(axis)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _words(axis: str) -> str:
    return "policy" if axis == GROUP else axis.rpartition(".")[2].replace("_", " ")


def _heat_cell(facts: Facts, panel: Panel, members: Sequence[Cell]) -> HeatCell | None:
    values = [v for cell in members for v in measured(facts, cell, panel.of).by_seed.values()]
    if not values:
        return None
    interval = mean_ci(values)
    margin = "" if interval.margin is None else f" ± {interval.margin:.3g}"
    names = "; ".join(cell.label for cell in members)
    return HeatCell(
        interval.mean,
        heat_map.number(interval.mean),
        f"{names}: {interval.mean:.4g}{margin} (N = {interval.n})",
    )


def returns(
    result: StudyResult, spec: FigureSpec, _panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    """Draw the returns of all episodes of all seeds, a panel per policy."""
    variants = variants_of(cells)
    tail = Tail(spec.tail)
    panels: dict[str, list[Returns]] = {}
    for cell in cells:
        try:
            every = [episodes_of(one).returns for one in _artifacts(result.facts, cell)]
        except OutcomesMissing:
            continue  # its figures stay in the table, its episodes are gone
        if every:
            var, cvar = (
                float(np.mean([statistic_of(name, tail)(one) for one in every]))
                for name in ("var", "cvar")
            )
            values = np.concatenate(every)
            variant = variants[cell.experiment, cell.label]
            panels.setdefault(cell.group, []).append(
                Returns(cell.label, cell.look, variant, values, var, cvar, cell.corrects)
            )
    drawn = [return_distribution.Panel(name, tuple(rows)) for name, rows in panels.items()]
    return return_distribution.draw(drawn, ecdf=True, level=f"{100 * spec.tail:g}%")


def _artifacts(facts: Facts, cell: Cell) -> Iterator[ArtifactRow]:
    for run in facts.runs_of(cell):
        job = run.evaluation()
        if job is not None and job.artifact is not None:
            yield job.artifact


def trajectories(
    result: StudyResult, _spec: FigureSpec, _panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    """Draw kept episodes of the first seed of each group from above, on the same reset seeds."""
    variants = variants_of(cells)
    groups, seen = [], None
    for cell in cells:
        for run in result.facts.runs_of(cell)[:1]:
            ground = GROUNDS.get(_environment(run))
            kept = _kept(run)
            if ground is None or not kept:
                continue
            seen = seen or (ground, goal_of(ground, kept[0]))
            paths = tuple(
                EpisodePath(
                    number,
                    each.observations[:, list(ground.place)].astype(np.float64),
                    float(each.rewards.sum()),
                    int(each.danger.sum()),
                )
                for number, each in enumerate(kept[:MOST_PATHS], start=1)
            )
            variant = variants[cell.experiment, cell.label]
            groups.append(PathGroup(cell.label, cell.look, variant, cell.corrects, paths))
    return figure([]) if seen is None else episode_paths.draw(groups, *seen)


def _environment(run: RunFacts) -> str:
    job = run.evaluation()
    return "" if job is None or job.artifact is None else str(job.artifact.summary["environment"])


def _kept(run: RunFacts) -> tuple[Trajectory, ...]:
    job = run.evaluation()
    try:
        return trajectories_of(job.artifact) if job is not None and job.artifact else ()
    except OutcomesMissing:
        return ()  # gone from the store: its figures stay in the table
