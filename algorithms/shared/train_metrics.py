"""What every training logs at its steps, declared in the groups that a metric chooser shows."""

from collections.abc import Mapping

from algorithms.base import Metric
from algorithms.shared.batch_figures import QUANTILES
from algorithms.shared.source_metrics import SOURCES
from algorithms.shared.taper import FORGOTTEN_WEIGHT

LOSS_AND_REWARD: tuple[Metric, ...] = (
    Metric("loss", "Loss", help="The algorithm's loss; not comparable between algorithms."),
    *(
        Metric(
            f"loss_{sign}",
            f"Loss of {sign}s",
            help=f"What completions of {sign} advantage add to the loss: with those of the other "
            "sign, and the penalties on those of advantage 0, it makes the loss.",
        )
        for sign in ("positive", "negative")
    ),
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
        "effective_positive_share",
        "Effective share of positives",
        help="Share of the weight on log pi that pushes completions up, measured on the gradient: "
        "p_eff of TOPR (equation 7) as it came out, importance weights and clips included.",
    ),
    Metric(
        "zero_variance_share",
        "Share of prompts without a difference",
        help="Share of the batch's prompts whose completions all have the same reward, of those "
        "with several completions in the batch.",
    ),
    Metric(
        "drop_share",
        "Share of completions without effect",
        help="Share of completions that give no gradient: advantage zero, clipped or dropped.",
    ),
)

RATIOS: tuple[Metric, ...] = (
    Metric(
        "ratio_mean",
        "Mean ratio",
        help="Mean over completions of pi(y|x)/mu(y|x), the product over tokens; 1 at step 0.",
    ),
    Metric("ratio_max", "Largest ratio", help="Largest pi(y|x)/mu(y|x) of the batch, up to e^80."),
    Metric(
        "log_ratio_max",
        "Largest log ratio",
        unit="nats",
        help="Largest log pi(y|x) - log mu(y|x) of the batch; a ratio overflows a float above 88.",
    ),
    Metric(
        "effective_sample_share",
        "Effective sample size",
        help="(sum of ratios)^2 / (sum of squared ratios) / completions: 1 where all ratios are "
        "equal, near 0 where a few completions outweigh all others.",
    ),
    *(
        Metric(
            f"{sign}s_clipped_share",
            f"Share clipped, {sign}s",
            help=f"Mean over completions of {sign} advantage of the share of tokens that the "
            "algorithm clips, tapers away or drops.",
        )
        for sign in ("positive", "negative")
    ),
    Metric(
        "negatives_forgotten_share",
        "Share of negatives forgotten",
        help=f"Share of completions of negative advantage whose importance weight is below "
        f"{FORGOTTEN_WEIGHT}.",
    ),
    *(
        Metric(
            f"log_ratio_p{percent:02}_{sign}",
            f"Log ratio, {percent}% quantile, {sign}s",
            unit="nats",
            help=f"{percent}% of the batch's completions of {sign} advantage have a smaller "
            "log pi(y|x) - log mu(y|x). Measured at most 100 times per training.",
        )
        for sign in ("positive", "negative")
        for percent in QUANTILES
    ),
)

DIVERGENCES: tuple[Metric, ...] = (
    Metric(
        "kl_behaviour",
        "KL(mu || pi)",
        unit="nats",
        help="Mean over the batch of log mu(y|x) - log pi(y|x): how far the policy has moved from "
        "the policy that wrote the completions.",
    ),
    Metric(
        "kl_behaviour_k3",
        "KL(mu || pi), k3",
        unit="nats",
        help="The same divergence by sum over tokens of x - 1 - log x, x = pi/mu: never negative, "
        "with less noise while the policies are close.",
    ),
    Metric(
        "kl_reference",
        "KL(pi || reference), k3",
        unit="nats",
        help="Sum over tokens of x - 1 - log x, x = reference/pi, mean over the stored "
        "completions; exact only where pi itself wrote them. For algorithms with a reference.",
    ),
)

POLICY: tuple[Metric, ...] = (
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
        "entropy",
        "Entropy",
        unit="nats/token",
        help="Mean over the batch's tokens of the entropy of pi at that token.",
    ),
    Metric(
        "grad_norm",
        "Gradient norm",
        help="Norm of the whole gradient before it is clipped.",
    ),
    Metric(
        "clipped_steps_share",
        "Share of clipped steps",
        help="Share of the updates so far whose gradient was longer than clip_norm.",
    ),
    Metric(
        "skipped_steps",
        "Skipped steps",
        better="lower",
        help="Steps so far that changed nothing because loss or gradient was not a number.",
    ),
    Metric("learning_rate", "Learning rate", help="Learning rate of this update."),
)

SPEED_AND_LENGTH: tuple[Metric, ...] = (
    Metric(
        "tokens_per_s",
        "Training speed",
        unit="tokens/s",
        better="higher",
        help="Completion tokens trained on per second.",
    ),
    Metric(
        "length_mean",
        "Mean length",
        unit="tokens",
        help="Mean number of tokens of the batch's completions.",
    ),
    Metric(
        "length_max",
        "Longest completion",
        unit="tokens",
        help="Tokens of the batch's longest completion.",
    ),
    Metric(
        "truncated_share",
        "Share cut off",
        help="Share of the batch's completions that were cut off by the length limit.",
    ),
)

TRAIN_GROUPS: Mapping[str, tuple[Metric, ...]] = {
    "Loss and reward": LOSS_AND_REWARD,
    "Importance ratios": RATIOS,
    "Divergences": DIVERGENCES,
    "Policy and updates": POLICY,
    "Speed and length": SPEED_AND_LENGTH,
    "Sets of a mixture": SOURCES,
}
"""What a metric chooser shows together."""
