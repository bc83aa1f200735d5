"""One number per run: figures of final evaluations, and of curves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from algorithms.base import Metric
from algorithms.control_metrics import CONTROL_OUTCOME_METRICS, SCORE_OUTCOME_METRICS
from algorithms.evaluation.claims.kinds import slope
from algorithms.evaluation.risk import Tail
from algorithms.metrics import OUTCOME_METRICS, metric_by_name
from webapp.results.control.episodes import episodes_of
from webapp.results.control.measures import TAILS, statistic_of
from webapp.results.curves import Curve, XAxis
from webapp.results.outcomes import OutcomesMissing
from webapp.studies.cells import Cell
from webapp.studies.claim_schema import Measure
from webapp.studies.facts import Facts, RunFacts

OUTCOMES: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (*OUTCOME_METRICS, *CONTROL_OUTCOME_METRICS, *SCORE_OUTCOME_METRICS)
}
SCORE = "score"
"""Role of the score network, whose figures are its own job's."""
_OF_SCORE = {metric.name for metric in SCORE_OUTCOME_METRICS}
UNSOLVED = Metric(
    "unsolved_share",
    "Unsolved share",
    better="lower",
    help="Share of problems that none of the sampled completions solves.",
)
_COMPLEMENTS = {UNSOLVED.name: "pass_at_n"}


@dataclass(frozen=True)
class Measured:
    """A measure of one compared group."""

    by_seed: Mapping[int, float]
    """Of the runs that have it."""
    planned: int
    """Seeds that the study asks for."""
    resolution: float
    """Smallest step between two values: one of so many answers; 0 where that is not known."""
    is_fixed: bool
    """One given policy: the same value for every seed."""

    def for_seeds(self, seeds: Mapping[int, float]) -> Mapping[int, float]:
        """Return its values; a fixed one stands for every seed of the other side."""
        if self.is_fixed and self.by_seed:
            return dict.fromkeys(seeds, next(iter(self.by_seed.values())))
        return self.by_seed


def metric_of(measure: Measure) -> Metric:
    """Return the declaration of what is measured.

    Raises:
        KeyError: nothing declares it.
    """
    return UNSOLVED if measure.metric == UNSOLVED.name else metric_by_name(measure.metric)


def is_outcome(measure: Measure) -> bool:
    """Whether it is a figure of a final evaluation rather than of a curve."""
    return measure.metric in OUTCOMES or measure.metric in _COMPLEMENTS


def measured(facts: Facts, cell: Cell, measure: Measure) -> Measured:
    """Return a measure of a compared group, one number per finished run."""
    found = {}
    steps = []
    for run in facts.runs_of(cell):
        value = value_of(facts, run, measure)
        if value is not None:
            found[run.seed] = value
            steps.append(_resolution(run, measure))
    return Measured(found, len(cell.runs), max(steps, default=0.0), cell.is_fixed)


def value_of(facts: Facts, run: RunFacts, measure: Measure) -> float | None:
    """Return the number of one run; None while it has none."""
    if is_outcome(measure):
        return _outcome(run, measure)
    curve = curve_of(facts, run, measure.metric)
    return None if curve is None else reduced(curve, measure)


def _summary(run: RunFacts, measure: Measure) -> Mapping[str, object]:
    job = run.jobs.get(SCORE) if measure.metric in _OF_SCORE else run.evaluation(measure.round)
    return {} if job is None or job.artifact is None else job.artifact.summary


def _outcome(run: RunFacts, measure: Measure) -> float | None:
    if measure.tail is not None and measure.metric in TAILS:
        return _of_tail(run, measure.metric, measure.tail)
    summary = _summary(run, measure)
    name = _COMPLEMENTS.get(measure.metric, measure.metric)
    value = summary.get(name)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return 1 - float(value) if measure.metric in _COMPLEMENTS else float(value)


def _of_tail(run: RunFacts, metric: str, alpha: float) -> float | None:
    """Return VaR or CVaR at another level than the evaluation's, from its episodes."""
    job = run.evaluation()
    if job is None or job.artifact is None:
        return None
    try:
        returns = episodes_of(job.artifact).returns
    except OutcomesMissing:
        return None  # the artifact's files are gone
    return float(statistic_of(metric, Tail(alpha))(returns))


def _resolution(run: RunFacts, measure: Measure) -> float:
    summary = _summary(run, measure)
    problems, samples = summary.get("problems"), summary.get("samples")
    if not isinstance(problems, int) or not isinstance(samples, int) or not problems:
        return 0.0
    answers = 1 if measure.metric in {"greedy_accuracy", "maj_at_n", "pass_at_n"} else samples
    return 1 / (problems * max(1, answers))


def curve_of(facts: Facts, run: RunFacts, metric: str, axis: XAxis = XAxis.STEPS) -> Curve | None:
    """Return a metric over the training of one run; None where nothing was logged.

    Curves of trainings that have not ended are left out: their last value is not the last.
    """
    job = run.train
    if job is None or job.state != "succeeded" or job.id not in facts.points(metric):
        return None
    return facts.points(metric)[job.id].curve(run.seed, axis).finite()


def reduced(curve: Curve, measure: Measure) -> float | None:
    """Return the one number that a measure takes from a curve; None where it has no points."""
    if curve.y.size == 0:
        return None
    match measure.over:
        case "mean":
            return float(curve.y.mean())
        case "maximum":
            return float(curve.y.max())
        case "last_quarter":
            end = float(curve.x[-1])
            return float(np.mean(curve.y[curve.x >= 0.75 * end]))
        case "slope":
            return slope(curve.x, curve.y)
    return float(curve.y[-1])
