"""Pairs of a better and a worse completion."""

import torch

from algorithms.shared.pairs import pair_up, preference_pairs


def test_a_unit_of_two_different_rewards_is_a_pair_wherever_its_rows_stand() -> None:
    rewards = torch.tensor([1.0, -1, -1, 1, 0.5])
    winners, losers = preference_pairs(rewards, torch.tensor([7, 3, 7, 3, 9]))
    pairs = set(zip(winners.tolist(), losers.tolist(), strict=True))
    assert pairs == {(0, 2), (3, 1)}


def test_ties_and_units_of_another_size_are_no_pairs() -> None:
    rewards = torch.tensor([1.0, 1, 2, 1, 0, 5])
    winners, _ = preference_pairs(rewards, torch.tensor([0, 0, 1, 1, 1, 2]))
    assert not len(winners)


def test_pairing_up_joins_the_best_with_the_worst_of_a_prompt() -> None:
    rewards = torch.tensor([1.0, -1, 0.5, -2, 3])
    prompts = torch.tensor([0, 0, 0, 0, 1])
    units = pair_up(rewards, prompts)
    winners, losers = preference_pairs(rewards, units)
    assert set(zip(winners.tolist(), losers.tolist(), strict=True)) == {(0, 3), (2, 1)}


def test_equal_rewards_find_no_partner() -> None:
    units = pair_up(torch.ones(4), torch.zeros(4, dtype=torch.long))
    assert sorted(units.tolist()) == [0, 1, 2, 3]
