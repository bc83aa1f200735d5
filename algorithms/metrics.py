"""Every metric of the application, declared once: name, label, unit, which way is better."""

from collections.abc import Iterator

from algorithms.base import Metric
from algorithms.catalogue import ALGORITHMS

TRAIN_METRICS: tuple[Metric, ...] = (
    Metric("loss", "Loss", help="The algorithm's loss; not comparable between algorithms."),
    Metric(
        "grad_norm",
        "Gradient norm",
        help="Norm of the whole gradient before it is clipped.",
    ),
    Metric("learning_rate", "Learning rate", help="Learning rate of this update."),
    Metric(
        "reward_mean",
        "Mean reward",
        help="Mean reward of the stored completions in the batch; a property of the data.",
    ),
    Metric(
        "positive_share",
        "Share of positives",
        help="Share of the batch's completions with a reward above zero.",
    ),
    Metric(
        "ratio_mean",
        "Mean ratio",
        help="Mean over completions of pi(y|x)/mu(y|x), the product over tokens; 1 at step 0.",
    ),
    Metric("ratio_max", "Largest ratio", help="Largest pi(y|x)/mu(y|x) of the batch, up to e^80."),
    Metric(
        "mean_logprob_positive",
        "Log-probability of positives",
        unit="nats/token",
        help="Mean over completions with a reward above zero of the mean log pi per token.",
    ),
    Metric(
        "mean_logprob_negative",
        "Log-probability of negatives",
        unit="nats/token",
        help="Mean over the other completions of the mean log pi per token; a fall without end "
        "announces a collapse.",
    ),
    Metric(
        "kl_behaviour",
        "KL(mu || pi)",
        unit="nats",
        help="Mean over the batch of log mu(y|x) - log pi(y|x): how far the policy has moved from "
        "the policy that wrote the completions.",
    ),
    Metric(
        "tokens_per_s",
        "Training speed",
        unit="tokens/s",
        better="higher",
        help="Completion tokens trained on per second.",
    ),
)
"""Logged at optimizer steps by every training, beside the algorithm's own."""

EVAL_METRICS: tuple[Metric, ...] = (
    Metric(
        "eval_greedy_accuracy",
        "Greedy accuracy",
        better="higher",
        help="Share of held-out problems that the likeliest completion solves.",
    ),
    Metric(
        "eval_sampled_accuracy",
        "Sampled accuracy",
        better="higher",
        help="Share of completions sampled for held-out problems that are correct.",
    ),
    Metric(
        "eval_invalid_share",
        "Invalid share",
        better="lower",
        help="Share of those sampled completions from which no answer could be read.",
    ),
    Metric(
        "eval_tokens_mean",
        "Completion length",
        unit="tokens",
        help="Mean number of tokens of those sampled completions.",
    ),
)
"""Logged by every training each time it evaluates on held-out problems."""

OUTCOME_METRICS: tuple[Metric, ...] = (
    Metric(
        "greedy_accuracy",
        "Greedy accuracy",
        better="higher",
        help="Share of held-out problems that the likeliest completion solves.",
    ),
    Metric(
        "pass_at_1",
        "Pass@1",
        better="higher",
        help="Share of completions sampled for held-out problems that are correct.",
    ),
    Metric(
        "invalid_share",
        "Invalid share",
        better="lower",
        help="Share of those sampled completions from which no answer could be read.",
    ),
    Metric(
        "tokens_mean",
        "Completion length",
        unit="tokens",
        help="Mean number of tokens of those sampled completions.",
    ),
)
"""Figures of an `evaluate` job's summary."""


def metric_by_name(name: str) -> Metric:
    """Return the declaration of a metric: shared, of an evaluation, or of any algorithm.

    Raises:
        KeyError: no part of the application declares it.
    """
    for metric in _declared():
        if metric.name == name:
            return metric
    raise KeyError(f"metric {name!r} is not declared in algorithms/metrics.py or by an algorithm")


def _declared() -> Iterator[Metric]:
    yield from TRAIN_METRICS
    yield from EVAL_METRICS
    yield from OUTCOME_METRICS
    for algorithm in ALGORITHMS.values():
        yield from algorithm.metrics
