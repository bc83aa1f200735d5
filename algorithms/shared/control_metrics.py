"""What trainings of control algorithms and of CDSA's networks log, declared once."""

from algorithms.base import Metric
from algorithms.shared.train_metrics import LOSS_AND_REWARD

LOSS = next(metric for metric in LOSS_AND_REWARD if metric.name == "loss")
CRITIC_LOSS = Metric("critic_loss", "Critic loss", help="Squared error of Q against its target.")
VALUE_LOSS = Metric("value_loss", "Value loss", help="Expectile loss of V.")
VALUE = Metric(
    "value_mean",
    "Mean value",
    help="Mean Q (or V) at the data of a batch; growth without end announces divergence.",
)
WEIGHT = Metric(
    "regression_weight_mean",
    "Mean regression weight",
    help="Mean of min(exp(temperature x advantage), cap).",
)

CONTROL_TRAIN_METRICS: tuple[Metric, ...] = (
    LOSS,
    Metric(
        "updates_per_s",
        "Training speed",
        unit="updates/s",
        better="higher",
        help="Optimizer updates per second, of all seeds side by side, without evaluations.",
    ),
)
"""Logged by every training of a control algorithm, beside its own."""

CONTROL_EVAL_METRICS: tuple[Metric, ...] = (
    Metric(
        "eval_return_mean",
        "Mean return",
        better="higher",
        help="Mean undiscounted return of the episodes of an evaluation, on tuning seeds.",
    ),
    Metric(
        "eval_normalized_return",
        "Normalised return",
        better="higher",
        help="100 (return - random) / (expert - random), by the data set's reference returns.",
    ),
)
"""Logged each time a training evaluates its policy."""

SCORE_METRICS: tuple[Metric, ...] = (
    Metric(
        "dsm_loss",
        "Denoising loss",
        better="lower",
        help="Half the squared error of the predicted noise, per row, over all noise levels.",
    ),
    Metric(
        "dsm_loss_heldout",
        "Denoising loss, held out",
        better="lower",
        help="The same on rows that were kept out of training.",
    ),
)
"""Logged by `train_score`."""

DYNAMICS_METRICS: tuple[Metric, ...] = (
    Metric(
        "inverse_loss", "Error of the inverse dynamics model", better="lower",
        help="Mean squared error of the predicted action, per dimension, actions in [-1, 1].",
    ),
    Metric(
        "inverse_loss_heldout", "Error of the inverse dynamics model, held out", better="lower",
        help="The same on transitions that were kept out of training.",
    ),
    Metric(
        "inverse_r2_heldout", "R2 of the inverse dynamics model, held out", better="higher",
        help="Share of the variance of held-out actions that it explains.",
    ),
    Metric(
        "forward_loss", "Error of the forward model", better="lower",
        help="Mean squared error of the predicted change of the observation, normalised, per "
        "dimension.",
    ),
    Metric(
        "forward_loss_heldout", "Error of the forward model, held out", better="lower",
        help="The same on transitions that were kept out of training.",
    ),
)  # fmt: skip
"""Logged by `train_inverse_dynamics`."""

BEHAVIOUR_METRICS: tuple[Metric, ...] = (
    Metric(
        "behaviour_return",
        "Return of the behaviour policy",
        better="higher",
        help="Mean return of the deterministic policy over a few episodes while it learns online.",
    ),
)
"""Logged by `train_behaviour`."""
