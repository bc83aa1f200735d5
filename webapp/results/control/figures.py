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
from webapp.results.control.comparison import NOISE, ControlComparison, Variant, corrects
from webapp.results.control.maps import policies_figure, sensitivity_figure
from webapp.results.control.measures import MEASURES, statistic_of
from webapp.results.control.names import (
    correction_names,
    subject_names,
    told_apart,
)
from webapp.results.control.published import SOURCE, WHOSE
from webapp.results.control.table import figures_of
from webapp.results.figures import against_axis, grouped_bars, return_distribution
from webapp.results.figures.against_axis import AxisLine, AxisPoint
from webapp.results.figures.grouped_bars import Bar
from webapp.results.figures.return_distribution import Panel, Returns
from webapp.results.figures.text import MOST_NAMES, NAMES_ON_HOVER
from webapp.results.selectors import metrics_logged
from webapp.results.statistics import mean_ci

MOST_PANELS = 8
PUBLISHED_OUTCOME = "normalized_return"
"""The figure that others have published."""
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
        _note(drawn, f"{hidden} further policies are not drawn: choose fewer.")
    return drawn


def _note(drawn: go.Figure, text: str) -> None:
    meta = drawn.layout.meta
    drawn.layout.meta = {**meta, "notes": [*meta["notes"], text]}


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
    overlaid = outcome == PUBLISHED_OUTCOME
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
                    published=_published(variant) if overlaid else None,
                )
            )
    drawn = grouped_bars.draw(bars, MEASURES[outcome], WHOSE)
    if any(bar.published for bar in bars):
        _note(drawn, SOURCE)
    return drawn


def _published(variant: Variant) -> tuple[float, float] | None:
    found = variant.published
    return None if found is None else (found.mean, found.std)


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
        rest = {
            path: value
            for path, value in one.settings.items()
            if path != NOISE and not path.startswith("recipe.")
        }
        lines.setdefault(str(sorted(rest.items())), []).append(one)
    firsts = [own[0] for own in lines.values()]
    series = correction_names(firsts)
    names = told_apart(
        [f"{one.policy}, {series[one.key]}" for one in firsts],
        [one.settings for one in firsts],
        lambda path: path != NOISE and not corrects(path),
    )
    drawn = []
    for own, name in zip(lines.values(), names, strict=True):
        points = []
        for one in sorted(own, key=lambda variant: float(variant.settings.get(NOISE, 0.0))):
            values = figures_of(one, metric.name, found.choice.tail)
            if values:
                x = float(one.settings.get(NOISE, 0.0))
                points.append(AxisPoint(x, mean_ci(values), tuple(values)))
        first = own[0].group
        drawn.append(AxisLine(name, first.algorithm, 1 if own[0].correction else 0, tuple(points)))
    plot = against_axis.draw(drawn, metric, x_title="Noise on the policy's actions (deviation)")
    if len(drawn) > MOST_NAMES:
        plot.layout.showlegend = False
        _note(plot, NAMES_ON_HOVER)
    return plot


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
