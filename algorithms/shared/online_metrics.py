"""What a training that writes its own completions logs beside what every training does."""

from collections.abc import Mapping

from algorithms.base import Metric

ONLINE_METRICS: tuple[Metric, ...] = (
    Metric(
        "rollout_reward_mean",
        "Reward of new completions",
        better="higher",
        help="Mean reward of the completions written for this update, before any is learned from.",
    ),
    Metric(
        "rollout_accuracy",
        "Accuracy of new completions",
        better="higher",
        help="Share of the completions written for this update that are correct.",
    ),
    Metric(
        "rollout_invalid_share",
        "Invalid share of new completions",
        better="lower",
        help="Share of the completions written for this update that no answer could be read from.",
    ),
    Metric(
        "rollout_zero_variance_share",
        "New prompts without a difference",
        help="Share of the prompts completed for this update whose completions all have the same "
        "reward.",
    ),
    Metric(
        "rollout_tokens_mean",
        "Length of new completions",
        unit="tokens",
        help="Mean number of tokens of the completions written for this update.",
    ),
    Metric(
        "rollout_truncated_share",
        "New completions cut off",
        help="Share of the completions written for this update that the length limit cut off.",
    ),
    Metric(
        "rollout_logprob_gap",
        "Engine and trainer apart",
        unit="nats/token",
        better="lower",
        help="Mean difference of log mu between the engine that wrote the completions and the code "
        "that trains, where these are two; large where the engine's weights are not the "
        "generator's.",
    ),
    Metric(
        "generation_tokens_per_s",
        "Generation speed",
        unit="tokens/s",
        better="higher",
        help="Tokens written per second, log-probabilities and grading included.",
    ),
    Metric(
        "lag_mean",
        "Mean lag",
        unit="updates",
        help="Mean over the batch's completions of the updates between the policy that wrote them "
        "and the policy that learns from them.",
    ),
    Metric(
        "lag_max",
        "Largest lag",
        unit="updates",
        help="Largest such lag in the batch.",
    ),
    Metric(
        "generator_version",
        "Version of the generator",
        unit="updates",
        help="Updates that the generator's weights had behind them when this batch was put "
        "together.",
    ),
    Metric(
        "replayed_share",
        "Share learned from before",
        help="Share of the batch's completions that an earlier update has learned from.",
    ),
    Metric(
        "buffer_size",
        "Completions waiting",
        help="Completions that wait to be learned from, after the batch was taken.",
    ),
    Metric(
        "dropped_completions",
        "Completions dropped",
        help="Completions so far that nothing was learned from, or nothing more, because they "
        "became too old or their place was needed.",
    ),
)
"""Figures of new completions are logged by updates for which some were written."""

ONLINE_GROUP: Mapping[str, tuple[Metric, ...]] = {"Generated while it trains": ONLINE_METRICS}
"""What a metric chooser shows beside `TRAIN_GROUPS`."""
