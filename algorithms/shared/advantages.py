"""What a completion is worth beside the others of its prompt: every group-relative advantage.

Equal numbers in `prompt_index` are one group of K completions. Group algorithms treat a lone
completion (K = 1) as having baseline 0 and deviation 1: its advantage is its reward. All is
computed in float64 from differences to the group's smallest reward, so that a group of equal
rewards has an advantage of exactly 0.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from algorithms.shared.groups import groups_of

DEVIATION_EPSILON = 1e-6
"""Added to a standard deviation that is divided by, as Trinity-RFT does."""
_EQUAL = 1e-9
"""Rewards this close to the mean count as equal to it: a rounded mean may exceed equal rewards."""

StdNormalisation = Annotated[
    Literal["none", "sample", "population"],
    Field(
        description="Divide the advantage by the standard deviation of the group's rewards: "
        "sample (K - 1; GRPO in Trinity-RFT, TRL and verl), population (K; REC's std_normalize), "
        "or none."
    ),
]
StdThreshold = Annotated[
    float | None,
    Field(
        ge=0,
        description="A group whose standard deviation is at most this gets no advantage; empty "
        "keeps all groups (equal rewards give 0 anyway).",
    ),
]


@dataclass(frozen=True)
class _Groups:
    """Rewards by group: g groups of B completions."""

    index: Int[Tensor, " B"]
    size: Float[Tensor, " g"]
    lowest: Float[Tensor, " g"]

    @classmethod
    def of(cls, rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]) -> "_Groups":
        index, size = groups_of(prompt_index)
        lowest = torch.full_like(size, torch.inf, dtype=torch.float64)
        lowest = lowest.scatter_reduce(0, index, rewards.double(), "amin")
        return cls(index, size.double(), lowest)

    def total(self, values: Tensor) -> Float[Tensor, " g"]:
        """Return the sum of each group."""
        return torch.zeros_like(self.lowest).index_add(0, self.index, values.double())

    def mean(self, values: Tensor, counted: Tensor | None = None) -> Float[Tensor, " g"]:
        """Return the mean of each group's values, or of those that are counted."""
        counted = torch.ones_like(self.index, dtype=torch.bool) if counted is None else counted
        above = (values.double() - self.lowest[self.index]) * counted
        return self.lowest + self.total(above) / self.total(counted).clamp(min=1)

    def alone(self) -> Bool[Tensor, " B"]:
        """Return whether a completion is the only one of its prompt."""
        return self.size[self.index] == 1


def group_mean(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """Return the mean reward of each completion's group; 0 for a lone completion."""
    groups = _Groups.of(rewards, prompt_index)
    mean = torch.where(groups.alone(), 0.0, groups.mean(rewards)[groups.index])
    return mean.to(rewards.dtype)


def mean_centred(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """Return A = r - mean(r), the group-relative advantage (arXiv:2509.24203)."""
    return rewards - group_mean(rewards, prompt_index)


def normalised(
    rewards: Float[Tensor, " B"],
    prompt_index: Int[Tensor, " B"],
    *,
    std: Literal["none", "sample", "population"],
    threshold: float | None = None,
) -> Float[Tensor, " B"]:
    """Return A = (r - mean(r)) / (s + 1e-6), s the group's standard deviation (GRPO).

    Args:
        std: s over K - 1 (sample) or K (population); none leaves out the division.
        threshold: groups with s <= threshold get 0.
    """
    groups = _Groups.of(rewards, prompt_index)
    centred = mean_centred(rewards, prompt_index).double()
    ddof = 0 if std == "population" else 1
    variance = groups.total(centred**2) / (groups.size - ddof).clamp(min=1)
    deviation = variance.sqrt()[groups.index]
    divisor = torch.ones_like(centred) if std == "none" else deviation + DEVIATION_EPSILON
    worth = centred / torch.where(groups.alone(), 1.0, divisor)
    if threshold is not None:
        worth = torch.where((deviation <= threshold) & ~groups.alone(), 0.0, worth)
    return worth.to(rewards.dtype)


def leave_one_out(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """Return A = r - mean of the group's others = K / (K - 1) (r - mean(r)) (RLOO)."""
    groups = _Groups.of(rewards, prompt_index)
    factor = (groups.size / (groups.size - 1).clamp(min=1))[groups.index]
    return (mean_centred(rewards, prompt_index) * factor).to(rewards.dtype)


def log_mean_exp_centred(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"], *, temperature: float
) -> Float[Tensor, " B"]:
    """Return A = r - tau log mean exp(r / tau), tau > 0: Kimi's estimate of the partition."""
    groups = _Groups.of(rewards, prompt_index)
    highest = torch.full_like(groups.lowest, -torch.inf)
    highest = highest.scatter_reduce(0, groups.index, rewards.double(), "amax")
    below = (rewards.double() - highest[groups.index]) / temperature
    baseline = highest + temperature * (groups.total(below.exp()) / groups.size).log()
    baseline = torch.where(groups.alone(), 0.0, baseline[groups.index])
    return (rewards - baseline).to(rewards.dtype)


def shifted(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"], *, shift: float
) -> Float[Tensor, " B"]:
    """Return A = r - (mean(r) + shift); AsymRE takes a shift below 0."""
    return mean_centred(rewards, prompt_index) - shift


def negatives_in_excess(
    rewards: Float[Tensor, " B"], prompt_index: Int[Tensor, " B"]
) -> tuple[Bool[Tensor, " B"], Int[Tensor, " B"]]:
    """Return which completions are below their group's mean, and how many too many these are.

    The surplus of a group is its negatives less its other completions, or 0, at each completion.
    """
    groups = _Groups.of(rewards, prompt_index)
    mean = groups.mean(rewards)[groups.index]
    negative = rewards < mean - _EQUAL * mean.abs().clamp(min=1)
    excess = (2 * groups.total(negative) - groups.size).clamp(min=0)
    return negative, excess.long()[groups.index]


def balanced_by_dropping(
    rewards: Float[Tensor, " B"],
    prompt_index: Int[Tensor, " B"],
    generator: torch.Generator,
    *,
    std_normalise: bool = False,
) -> Float[Tensor, " B"]:
    """Return A = r - mean(r of the kept), 0 for what is dropped (RED-Drop, arXiv:2509.24203).

    Where more completions of a group lie below its mean than not, as many of them as there are
    too many are dropped, each set equally likely. With `std_normalise` A is divided by the
    population standard deviation of the kept.
    """
    negative, excess = negatives_in_excess(rewards, prompt_index)
    groups = _Groups.of(rewards, prompt_index)
    lots = torch.rand(len(rewards), generator=generator).to(rewards.device)
    kept = ~negative | (_rank_in_group(lots + ~negative, groups) >= excess)
    centred = torch.where(kept, rewards - groups.mean(rewards, kept)[groups.index], 0.0)
    centred = torch.where(groups.alone(), rewards.double(), centred)
    if std_normalise:
        variance = groups.total(centred**2) / groups.total(kept).clamp(min=1)
        divisor = variance.sqrt()[groups.index] + DEVIATION_EPSILON
        centred = centred / torch.where(groups.alone(), 1.0, divisor)
    return centred.to(rewards.dtype)


def _rank_in_group(keys: Float[Tensor, " B"], groups: _Groups) -> Int[Tensor, " B"]:
    """Return the place of each key among those of its group, the smallest first, from 0."""
    by_key = keys.argsort(stable=True)
    order = by_key[groups.index[by_key].argsort(stable=True)]
    sizes = groups.size.long()
    starts = sizes.cumsum(0) - sizes
    places = torch.arange(len(keys), device=keys.device)
    return torch.empty_like(places).scatter(0, order, places) - starts[groups.index]
