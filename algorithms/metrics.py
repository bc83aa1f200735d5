"""Every metric of the application, declared once: name, label, unit, which way is better."""

from collections.abc import Iterator

from algorithms.base import Metric
from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS
from algorithms.control_metrics import ALL_CONTROL_METRICS
from algorithms.shared.online_metrics import ONLINE_METRICS
from algorithms.shared.train_metrics import TRAIN_GROUPS

TRAIN_METRICS: tuple[Metric, ...] = tuple(
    metric for group in TRAIN_GROUPS.values() for metric in group
)
"""Logged at optimizer steps by every training, beside the algorithm's own; each where it exists:
ratios need a behaviour policy, kl_reference a reference, a figure of positives a positive."""

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
        "pass_at_n",
        "Pass@n",
        better="higher",
        help="Share of problems that at least one of all n sampled completions solves.",
    ),
    Metric(
        "maj_at_n",
        "Maj@n",
        better="higher",
        help="Share of problems whose most frequent sampled answer is correct; ties count as "
        "their probability, invalid completions have no vote.",
    ),
    Metric(
        "weighted_at_n",
        "Weighted self-consistency",
        better="higher",
        help="Share of problems whose answer of highest score is correct: an answer's score is "
        "how many verdicts of the verifier accept a solution with it. Ties count as their "
        "probability; where no solution is accepted the plain majority decides.",
    ),
    Metric(
        "weighted_gain",
        "Gain over the majority",
        better="higher",
        help="Weighted self-consistency minus maj@n, on the same solutions.",
    ),
    Metric(
        "verdict_accuracy",
        "Verdict accuracy",
        better="higher",
        help="Share of the verifier's verdicts that agree with the solution's grade; an invalid "
        "verdict does not.",
    ),
    Metric(
        "verdict_invalid_share",
        "Invalid verdicts",
        better="lower",
        help="Share of the verifier's completions from which no verdict could be read.",
    ),
    Metric(
        "invalid_share",
        "Invalid share",
        better="lower",
        help="Share of those sampled completions from which no answer could be read.",
    ),
    Metric(
        "cut_off_share",
        "Cut-off share",
        better="lower",
        help="Share of those sampled completions that the length limit cut off.",
    ),
    Metric(
        "repetitive_share",
        "Repetitive share",
        better="lower",
        help="Share of those sampled completions of at least 19 tokens in which more than half "
        "of all runs of 4 tokens repeat an earlier one.",
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
    yield from ONLINE_METRICS
    yield from OUTCOME_METRICS
    yield from ALL_CONTROL_METRICS
    for algorithm in ALGORITHMS.values():
        yield from algorithm.metrics
    for control in CONTROL_ALGORITHMS.values():
        yield from control.metrics
