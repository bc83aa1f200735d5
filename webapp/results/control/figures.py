"""The figures of the compare page of experiments in control; each from one comparison."""

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go

from algorithms.metrics import metric_by_name
from webapp.results import compare_figures
from webapp.results.choice import Choice
from webapp.results.compare import Comparison, job_url
from webapp.results.control import trajectories
from webapp.results.control.choice import Shape
from webapp.results.control.comparison import ControlComparison, Variant
from webapp.results.control.maps import policies_figure, sensitivity_figure
from webapp.results.control.measures import MEASURES, statistic_of
from webapp.results.control.names import (
    NOISE,
    correction_names,
    differing,
    subject_names,
)
from webapp.results.control.table import figures_of
from webapp.results.figures import against_axis, grouped_bars, return_distribution
from webapp.results.figures.against_axis import AxisLine, AxisPoint
from webapp.results.figures.grouped_bars import Bar
from webapp.results.figures.return_distribution import Panel, Returns
from webapp.results.selectors import metrics_logged
from webapp.results.statistics import mean_ci

MOST_PANELS = 8
UNASKED = ("eval_return_mean", "loss")
"""Metrics of learning curves in the order in which one is shown unasked."""


def returns_figure(found: ControlComparison) -> go.Figure:
    """Return how returns are distributed, a panel per policy, VaR and CVaR marked."""
    names = subject_names(found.evaluated)
    panels = [
        Panel(name, tuple(_returns(one, found) for one in found.evaluated if one.subject == key))
        for key, name in names.items()
    ]
    drawn = return_distribution.draw(
        panels[:MOST_PANELS],
        ecdf=found.choice.shape is Shape.ECDF,
        level=f"{100 * found.choice.alpha:g}%",
    )
    if len(panels) > MOST_PANELS:
        hidden = len(panels) - MOST_PANELS
        drawn.layout.meta["notes"].append(f"{hidden} further policies are not drawn: choose fewer.")
    return drawn


def _returns(variant: Variant, found: ControlComparison) -> Returns:
    every = [variant.episodes[run.id].returns for run in variant.runs]
    var, cvar = (
        float(np.mean([statistic_of(name, found.choice.tail)(one) for one in every]))
        for name in ("var", "cvar")
    )
    return Returns(
        name=variant.name,
        algorithm=variant.group.algorithm,
        variant=variant.group.variant,
        values=np.concatenate(every),
        var=var,
        cvar=cvar,
        is_corrected=bool(variant.correction),
    )


def bars_figure(found: ControlComparison) -> go.Figure:
    """Return the chosen figure, a group of bars per policy, a bar per correction."""
    outcome = found.choice.outcome
    names, series = subject_names(found.evaluated), correction_names(found.evaluated)
    bars = []
    for variant in found.evaluated:
        values = figures_of(variant, outcome, found.choice.tail)
        if values:
            bars.append(
                Bar(
                    category=names[variant.subject],
                    series=series[variant.key],
                    name=variant.name,
                    algorithm=variant.group.algorithm,
                    is_corrected=bool(variant.correction),
                    interval=mean_ci(values),
                    values=tuple(values),
                    urls=tuple(job_url(run.evaluate.id) for run in variant.runs if run.evaluate),
                )
            )
    return grouped_bars.draw(bars, MEASURES[outcome])


def has_noise(found: ControlComparison) -> bool:
    """Return whether evaluations differ in the noise on the policy's actions."""
    return len({one.settings.get(NOISE, 0.0) for one in found.evaluated}) > 1


def noise_figure(found: ControlComparison) -> go.Figure:
    """Return the chosen figure against the noise on the policy's actions, a line per group."""
    metric = MEASURES[found.choice.outcome]
    if not has_noise(found):
        return against_axis.draw([], metric, x_title="")
    lines: dict[str, list[Variant]] = {}
    for one in found.evaluated:
        rest = {path: value for path, value in one.settings.items() if path != NOISE}
        lines.setdefault(str(sorted(rest.items())), []).append(one)
    told = differing([own[0].settings for own in lines.values()], lambda path: path != NOISE)
    series = correction_names([own[0] for own in lines.values()])
    drawn = []
    plain = [f"{own[0].policy}, {series[own[0].key]}" for own in lines.values()]
    for own, name, text in zip(lines.values(), plain, told, strict=True):
        points = []
        for one in sorted(own, key=lambda variant: float(variant.settings.get(NOISE, 0.0))):
            values = figures_of(one, metric.name, found.choice.tail)
            if values:
                x = float(one.settings.get(NOISE, 0.0))
                points.append(AxisPoint(x, mean_ci(values), tuple(values)))
        first = own[0].group
        full = f"{name}, {text}" if plain.count(name) > 1 and text else name
        drawn.append(AxisLine(full, first.algorithm, 1 if own[0].correction else 0, tuple(points)))
    return against_axis.draw(drawn, metric, x_title="Noise on the policy's actions (deviation)")


def logged(found: ControlComparison) -> set[str]:
    """Return the metrics that the trainings have logged; 1 query, none without trainings."""
    return metrics_logged({job.id for run in found.runs for job in run.trainings})


def shown_metric(found: ControlComparison) -> str:
    """Return the chosen metric of learning curves, else the returns or losses that are there."""
    chosen = found.choice.metric
    if chosen:
        return chosen
    known = logged(found)
    return next((name for name in UNASKED if name in known), UNASKED[-1])


def trainings_of(found: ControlComparison) -> Comparison:
    """Return the trainings as the compare page of language models has them, for curves."""
    choice = found.choice
    metric = shown_metric(found)
    plain = Choice(runs=choice.runs, metric=metric, axis=choice.axis, smoothing=choice.smoothing)
    return Comparison(plain, found.runs, tuple(found.trained))


def curves_figure(found: ControlComparison) -> go.Figure:
    """Return the learning curves of the trainings."""
    return compare_figures.curves_figure(trainings_of(found), metric_by_name(shown_metric(found)))


FIGURES: Mapping[str, Callable[[ControlComparison], go.Figure]] = {
    "returns": returns_figure,
    "bars": bars_figure,
    "policies": policies_figure,
    "sensitivity": sensitivity_figure,
    "noise": noise_figure,
    "curves": curves_figure,
    "trajectories": trajectories.trajectories_figure,
}
