"""The figures that every training logs about its batch, exact under gradient accumulation."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from algorithms.base import CompletionBatch
from algorithms.shared.masking import masked_mean
from algorithms.shared.ratios import sequence_log_ratio

LARGEST_LOG_RATIO = 80.0
"""Ratios are logged up to e^80, so that a runaway policy still gives a number to draw."""


@dataclass(frozen=True)
class BatchStatistics:
    """Sums over completions; add the micro-batches of an optimizer step, then ask for figures."""

    completions: int
    positives: int
    """Completions with a reward above zero."""
    reward_sum: float
    positive_logprob_sum: float
    """Sum over positives of the mean log pi per token, in nats."""
    negative_logprob_sum: float
    ratio_sum: float
    ratio_max: float
    log_ratio_sum: float

    @classmethod
    def measure(cls, logprobs: Float[Tensor, "B T"], batch: CompletionBatch) -> "BatchStatistics":
        """Return the sums of one (micro-)batch, computed in float64."""
        with torch.no_grad():
            per_token = masked_mean(logprobs.double(), batch.mask)
            log_ratio = sequence_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask).double()
            ratio = log_ratio.clamp(max=LARGEST_LOG_RATIO).exp()
            positive = batch.rewards > 0
            sums = torch.stack(
                [
                    batch.rewards.double().sum(),
                    _sum_where(positive, per_token),
                    _sum_where(~positive, per_token),
                    ratio.sum(),
                    ratio.max(),
                    log_ratio.sum(),
                    positive.sum().double(),
                ]
            ).tolist()  # one transfer from the accelerator
        *values, positives = sums
        return cls(len(batch.rewards), int(positives), *values)

    def __add__(self, other: "BatchStatistics") -> "BatchStatistics":
        """Return the statistics of both batches together."""
        mine, theirs = self.__dict__, other.__dict__
        sums = {field.name: mine[field.name] + theirs[field.name] for field in fields(self)}
        return BatchStatistics(**sums | {"ratio_max": max(self.ratio_max, other.ratio_max)})

    def reward_figures(self) -> dict[str, float]:
        """Return reward_mean, positive_share and mean_logprob_*, by name.

        mean_logprob_positive is left out where there is no positive, likewise for negatives.
        """
        negatives = self.completions - self.positives
        figures = {
            "reward_mean": self.reward_sum / self.completions,
            "positive_share": self.positives / self.completions,
        }
        if self.positives:
            figures["mean_logprob_positive"] = self.positive_logprob_sum / self.positives
        if negatives:
            figures["mean_logprob_negative"] = self.negative_logprob_sum / negatives
        return figures

    def ratio_figures(self) -> dict[str, float]:
        """Return ratio_mean, ratio_max and kl_behaviour; only rollouts have a behaviour policy.

        kl_behaviour estimates KL(mu || pi) = E_mu[log mu - log pi] per completion, in nats, from
        the batch; unbiased, so a small batch may give a number slightly below zero.
        """
        return {
            "ratio_mean": self.ratio_sum / self.completions,
            "ratio_max": self.ratio_max,
            "kl_behaviour": -self.log_ratio_sum / self.completions,
        }


def _sum_where(selected: Bool[Tensor, " B"], values: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    return torch.where(selected, values, torch.zeros_like(values)).sum()
