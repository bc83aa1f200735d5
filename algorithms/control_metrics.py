"""Metrics of the control laboratory's jobs and figures of their summaries, declared once."""

from algorithms.base import Metric, Schema
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_specs import (
    TrainBehaviourSpec,
    TrainControlSpec,
    TrainDynamicsSpec,
    TrainScoreSpec,
)
from algorithms.shared.control_metrics import (
    BEHAVIOUR_METRICS,
    CONTROL_EVAL_METRICS,
    CONTROL_TRAIN_METRICS,
    DYNAMICS_METRICS,
    SCORE_METRICS,
)

CONTROL_OUTCOME_METRICS: tuple[Metric, ...] = (
    Metric(
        "return_mean", "Mean return", better="higher", help="Mean undiscounted return of episodes."
    ),
    Metric("return_std", "Deviation of returns", help="Over episodes (n - 1)."),
    Metric(
        "normalized_return",
        "Normalised return",
        better="higher",
        help="100 (return - random) / (expert - random), by D4RL's or by locally measured returns.",
    ),
    Metric(
        "var",
        "VaR of returns",
        better="higher",
        help="The return that only the worst share of episodes (alpha, 0.1 unless said) is below.",
    ),
    Metric(
        "cvar",
        "CVaR of returns",
        better="higher",
        help="Mean return of that worst share of episodes.",
    ),
    Metric(
        "violation_share",
        "Episodes with a violation",
        better="lower",
        help="Share of episodes with at least one step in the danger zone.",
    ),
    Metric(
        "danger_steps_mean",
        "Steps in danger",
        unit="steps/episode",
        better="lower",
        help="Mean number of steps per episode that begin in the danger zone.",
    ),
    Metric(
        "shift_mean",
        "Shift of actions",
        help="Mean length of the correction per step, with actions in [-1, 1].",
    ),
    Metric(
        "ood_before_mean",
        "Distance from the data, before",
        help="Mean length of the noise that the score network sees in the policy's actions.",
    ),
    Metric(
        "ood_after_mean",
        "Distance from the data, after",
        better="lower",
        help="The same of the corrected actions.",
    ),
    Metric("episode_length_mean", "Episode length", unit="steps", help="Mean over episodes."),
    Metric(
        "ms_per_action",
        "Time per action",
        unit="ms",
        better="lower",
        help="Of policy and correction together, all episodes side by side.",
    ),
)
"""Figures of an `evaluate_control` job's summary; normalized_* exist where references do."""

SCORE_OUTCOME_METRICS: tuple[Metric, ...] = (
    Metric(
        "score_error",
        "Error of the score",
        better="lower",
        help="Relative L2 error against the score of the data under the same noise (a kernel "
        "density estimate), mean over noise levels from 0.2 up, at noisy held-out rows.",
    ),
    Metric(
        "score_cosine",
        "Direction of the score",
        better="higher",
        help="Mean cosine with that score, over the same levels and rows.",
    ),
    Metric(
        "score_error_fine",
        "Error of the score, fine levels",
        better="lower",
        help="The relative error at noise levels below 0.2, where few rows are near.",
    ),
)
"""Figures of a `train_score` job's summary, where the data are few enough to compare with."""

ALL_CONTROL_METRICS: tuple[Metric, ...] = (
    *CONTROL_TRAIN_METRICS,
    *CONTROL_EVAL_METRICS,
    *SCORE_METRICS,
    *DYNAMICS_METRICS,
    *BEHAVIOUR_METRICS,
    *CONTROL_OUTCOME_METRICS,
    *SCORE_OUTCOME_METRICS,
)
"""All but those that an algorithm adds."""


def control_metrics(spec: Schema) -> tuple[Metric, ...]:
    """Return what a job of the control laboratory may log; nothing for other jobs."""
    match spec:
        case TrainControlSpec():
            algorithm = CONTROL_ALGORITHMS.get(spec.algorithm)
            own = algorithm.metrics if algorithm else ()
            return (*CONTROL_TRAIN_METRICS, *CONTROL_EVAL_METRICS, *own)
        case TrainScoreSpec():
            return (*CONTROL_TRAIN_METRICS, *SCORE_METRICS)
        case TrainDynamicsSpec():
            return (*CONTROL_TRAIN_METRICS, *DYNAMICS_METRICS)
        case TrainBehaviourSpec():
            return BEHAVIOUR_METRICS
        case _:
            return ()
