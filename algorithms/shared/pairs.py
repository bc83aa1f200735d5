"""Pairs of a better and a worse completion of one prompt, for preference losses."""

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from algorithms.shared.groups import groups_of


def preference_pairs(
    rewards: Shaped[Tensor, " B"], unit_index: Int[Tensor, " B"]
) -> tuple[Int[Tensor, " P"], Int[Tensor, " P"]]:
    """Return where the winner and the loser of each pair stand in the batch.

    A unit is a pair when it holds exactly two completions of different reward; others are none.
    """
    by_reward = rewards.argsort(stable=True)
    order = by_reward[unit_index[by_reward].argsort(stable=True)]
    index, sizes = groups_of(unit_index)
    lower, higher = order[:-1], order[1:]
    is_pair = (index[lower] == index[higher]) & (sizes[index[lower]] == 2)
    is_pair &= rewards[lower] < rewards[higher]
    return higher[is_pair], lower[is_pair]


def pair_up(rewards: Shaped[Tensor, " B"], prompt_index: Int[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Return a unit number per completion that pairs the best of a prompt with its worst.

    The second best is paired with the second worst, and so on; who finds no partner of another
    reward is a unit of their own.
    """
    units = torch.arange(len(rewards), device=rewards.device)
    group, sizes = groups_of(prompt_index)
    for number in range(len(sizes)):
        of_prompt = (group == number).nonzero().squeeze(-1)
        ranked = of_prompt[rewards[of_prompt].argsort(stable=True)]
        half = len(ranked) // 2
        worst, best = ranked[:half], ranked.flip(0)[:half]
        differ = rewards[worst] < rewards[best]
        units[best[differ]] = worst[differ]
    return units
