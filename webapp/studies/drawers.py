"""Panels over updates and of final figures: curves, shares, cardinality, dots."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from algorithms.evaluation.cardinality import cardinality
from webapp.results.compare import job_url
from webapp.results.compare_figures import final_outcome
from webapp.results.curves import band
from webapp.results.figures import cardinality as cardinality_plot
from webapp.results.figures import final_dots, learning_curve, shares_over_steps
from webapp.results.figures.learning_curve import CurveGroup, Level, Look, SeedCurve
from webapp.results.outcomes import OutcomesMissing, statistics_of
from webapp.results.statistics import mean_ci
from webapp.studies.cells import Cell
from webapp.studies.claim_schema import Measure
from webapp.studies.facts import RunFacts
from webapp.studies.figure_schema import FigureSpec, Panel
from webapp.studies.results import StudyResult, variants_of
from webapp.studies.values import curve_of, measured, metric_of


def curves(
    result: StudyResult, _spec: FigureSpec, panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    variants = variants_of(cells)
    groups = [
        _curve_group(result, cell, panel.of.metric, variants[cell.experiment, cell.label])
        for cell in cells
        if cell.algorithm
    ]
    metric = metric_of(panel.of)
    return learning_curve.draw(groups, metric, Look(), levels=_levels(result, panel, cells))


def _curve_group(result: StudyResult, cell: Cell, metric: str, variant: int) -> CurveGroup:
    seeds = [
        SeedCurve(curve, job_url(run.train.id))
        for run in result.facts.runs_of(cell)
        if run.train is not None and (curve := curve_of(result.facts, run, metric)) is not None
    ]
    return CurveGroup(
        cell.label, cell.look, variant, tuple(seeds), band([seed.curve for seed in seeds])
    )


def _levels(result: StudyResult, panel: Panel, cells: Sequence[Cell]) -> list[Level]:
    found = []
    for cell in cells:
        jobs = [] if cell.algorithm else [run.evaluation() for run in result.facts.runs_of(cell)]
        job = jobs[0] if jobs else None
        outcome = None if job is None else final_outcome(panel.of.metric, job)
        if job is None or outcome is None:
            continue
        values = measured(result.facts, cell, Measure(metric=outcome)).by_seed
        if values:
            found.append(Level(cell.label, next(iter(values.values())), job_url(job.id)))
    return found


def shares(
    result: StudyResult, _spec: FigureSpec, _panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    """Draw the shares of one group (a panel names one)."""
    curves: dict[str, list[np.ndarray]] = {"correct": [], "invalid": []}
    steps: np.ndarray | None = None
    for run in [run for cell in cells if cell.algorithm for run in result.facts.runs_of(cell)]:
        correct = curve_of(result.facts, run, "eval_sampled_accuracy")
        invalid = curve_of(result.facts, run, "eval_invalid_share")
        if correct is None or invalid is None or correct.x.shape != invalid.x.shape:
            continue
        if steps is not None and correct.x.shape != steps.shape:
            continue
        steps = correct.x
        curves["correct"].append(correct.y)
        curves["invalid"].append(invalid.y)
    if steps is None:
        return shares_over_steps.draw(None)
    right = np.mean(curves["correct"], axis=0)
    unreadable = np.mean(curves["invalid"], axis=0)
    seeds = len(curves["correct"])
    drawn = shares_over_steps.ShareCurves(
        steps=tuple(steps.tolist()),
        correct=tuple(right.tolist()),
        incorrect=tuple(np.clip(1 - right - unreadable, 0, 1).tolist()),
        invalid=tuple(unreadable.tolist()),
        seeds=seeds,
    )
    return shares_over_steps.draw(drawn, [f"Mean over {seeds} seed{'s' if seeds > 1 else ''}."])


def cardinality_bars(
    result: StudyResult, _spec: FigureSpec, _panel: Panel, cells: Sequence[Cell]
) -> go.Figure:
    variants = variants_of(cells)
    bars = []
    for cell in cells:
        counts = [found for run in result.facts.runs_of(cell) if (found := _counts(run))]
        if len({len(one) for one in counts}) != 1:
            continue
        samples = len(counts[0]) - 1
        correct = np.repeat(np.arange(samples + 1), np.sum(counts, axis=0))
        bins = cardinality(correct, samples)
        bars.append(
            cardinality_plot.CardinalityBars(
                name=cell.label,
                algorithm=cell.look,
                variant=variants[cell.experiment, cell.label],
                labels=tuple(one.label for one in bins),
                shares=tuple(one.problems / max(1, correct.size) for one in bins),
                samples=samples,
            )
        )
    return cardinality_plot.draw(bars)


def _counts(run: RunFacts) -> tuple[int, ...] | None:
    job = run.evaluation()
    if job is None or job.artifact is None:
        return None
    try:
        found = statistics_of(job.artifact)
    except OutcomesMissing:
        return None  # the table beside says so
    return None if found is None else found.correct_counts


def bars(result: StudyResult, _spec: FigureSpec, panel: Panel, cells: Sequence[Cell]) -> go.Figure:
    variants = variants_of(cells)
    rows = []
    for cell in cells:
        values = measured(result.facts, cell, panel.of).by_seed
        if not values:
            continue
        jobs = {run.seed: run.evaluation() for run in result.facts.runs_of(cell)}
        urls = [job_url(job.id) if (job := jobs.get(seed)) else "" for seed in values]
        rows.append(
            final_dots.FinalDots(
                name=cell.label,
                algorithm=cell.look,
                variant=variants[cell.experiment, cell.label],
                values=tuple(values.values()),
                urls=tuple(urls),
                interval=mean_ci(list(values.values())),
            )
        )
    return final_dots.draw(rows, metric_of(panel.of))
