"""pass@K, maj@K and how often problems are solved, by group of runs."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from algorithms.evaluation.bootstrap import AtK
from algorithms.evaluation.cardinality import cardinality
from algorithms.evaluation.outcomes import Statistics
from webapp.results.compare import Comparison
from webapp.results.figures import at_k
from webapp.results.figures import cardinality as cardinality_plot
from webapp.results.figures.at_k import AtKCurves, AtKPoint
from webapp.results.groups import Group
from webapp.results.outcomes import OutcomesMissing, statistics_of
from webapp.results.statistics import mean_ci

_BARS = (
    "Bars of several runs: half of the 95% t interval over them. Of one run: two standard errors, "
    "for K < n those of the paper's bootstrap (100 draws of K of its n completions per question), "
    "which say how far other completions would move the figure, not other questions. For K = n "
    "that bootstrap is undefined (0/0): its bar is over questions instead."
)
_LINES = "Solid: pass@K, any of K is correct. Dotted: maj@K, the most frequent answer is correct."
NOTES = (_BARS, _LINES)


def at_k_figure(found: Comparison) -> go.Figure:
    """Return pass@K and maj@K by group; no query."""
    curves = []
    for group in found.groups:
        known = _statistics(group)
        if known:
            curves.append(
                AtKCurves(
                    name=group.name,
                    algorithm=group.algorithm,
                    variant=group.variant,
                    passes=_points([one.pass_at_k for one in known]),
                    majorities=_points([one.maj_at_k for one in known]),
                )
            )
    return at_k.draw(curves, NOTES if curves else ())


def cardinality_figure(found: Comparison) -> go.Figure:
    """Return how many problems have how many correct completions, by group; no query."""
    bars = []
    for group in found.groups:
        known = _statistics(group)
        samples = {one.samples for one in known}
        if len(samples) == 1:
            bars.append(_bars(group, known, samples.pop()))
    return cardinality_plot.draw(bars)


def _statistics(group: Group) -> list[Statistics]:
    """Return the statistics of the runs that have any; a missing file is said in the table."""
    found = []
    for run in group.runs:
        if run.evaluate is None or run.evaluate.artifact is None:
            continue
        try:
            one = statistics_of(run.evaluate.artifact)
        except OutcomesMissing:
            continue
        if one is not None:
            found.append(one)
    return found


def _points(runs: Sequence[Sequence[AtK]]) -> tuple[AtKPoint, ...]:
    """Return the mean over runs at each K that all of them have."""
    by_run = [{one.k: one for one in run} for run in runs]
    shared = sorted(set.intersection(*(set(run) for run in by_run)))
    return tuple(_point(k, [run[k] for run in by_run]) for k in shared)


def _point(k: int, values: Sequence[AtK]) -> AtKPoint:
    if len(values) == 1:
        (one,) = values
        margin = None if one.standard_error is None else 2 * one.standard_error
        words = f"one run, ± 2 standard errors over {one.over}"
        return AtKPoint(k, one.value, margin, words)
    mean = mean_ci([one.value for one in values])
    return AtKPoint(k, mean.mean, mean.margin, f"± 95% t interval over {mean.n} runs")


def _bars(
    group: Group, known: Sequence[Statistics], samples: int
) -> cardinality_plot.CardinalityBars:
    counts = np.sum([one.correct_counts for one in known], axis=0)
    correct = np.repeat(np.arange(samples + 1), counts)
    bins = cardinality(correct, samples)
    total = max(1, correct.size)
    return cardinality_plot.CardinalityBars(
        name=group.name,
        algorithm=group.algorithm,
        variant=group.variant,
        labels=tuple(one.label for one in bins),
        shares=tuple(one.problems / total for one in bins),
        samples=samples,
    )
