"""Units: whole prompts and pairs in batches and micro-batches, and how pairs are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.base import UserError
from algorithms.settings import LLMSettings
from algorithms.training.data_order import DataOrder
from algorithms.training.seeds import stream
from algorithms.training.units import Units, named_pairs, random_pairs

PROMPTS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])


def members(units: Units) -> list[list[int]]:
    return [rows.tolist() for rows in np.split(units.rows, units.ends[:-1])]


def order(units: Units, **settings: int) -> DataOrder:
    return DataOrder(units, LLMSettings(micro_batch_size=1, **settings), seed=0)


def test_completions_of_a_prompt_are_a_unit_wherever_they_stand() -> None:
    units = Units.of_groups(np.array([1, 0, 1, 2, 0]))
    assert members(units) == [[1, 4], [0, 2], [3]]
    assert units.index.tolist() == [0, 0, 1, 1, 2]


def test_units_are_taken_in_the_order_asked_for_also_twice() -> None:
    units = Units.of_groups(PROMPTS).take(np.array([1, 0, 1]))
    assert members(units) == [[3, 4], [0, 1, 2], [3, 4]]
    assert units.index.tolist() == [0, 0, 1, 1, 1, 2, 2]


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.integers(1, 8),
)
def test_micro_batches_are_whole_units_in_order_and_full(sizes: list[int], size: int) -> None:
    units = Units(np.arange(sum(sizes)), np.cumsum(sizes))
    parts = list(units.micro_batches(size))
    assert [row for part in parts for row in units.rows[part].tolist()] == units.rows.tolist()
    borders = {0, *units.ends.tolist()}
    for number, part in enumerate(parts):
        count = part.stop - part.start
        assert {part.start, part.stop} <= borders
        if count > size:
            assert ((units.ends > part.start) & (units.ends <= part.stop)).sum() == 1
        if number + 1 < len(parts):
            next_size = sizes[np.searchsorted(units.ends, part.stop, side="right")]
            assert count + next_size > size


def test_single_completions_are_cut_where_they_always_were() -> None:
    parts = list(Units.singles(np.arange(10)).micro_batches(4))
    assert parts == [slice(0, 4), slice(4, 8), slice(8, 10)]


def test_a_batch_is_as_many_whole_units_as_make_its_size_on_average() -> None:
    units = Units.of_groups(PROMPTS)
    data = order(units, batch_size=6, steps=3)
    assert [len(data.batch(step)) for step in range(3)] == [2, 2, 2]
    seen = [unit for step in range(3) for unit in members(data.batch(step))]
    assert sorted(seen[:3]) == sorted(seen[3:]) == members(units)
    assert [len(order(units, batch_size=1, steps=1).batch(0))] == [1]


def test_epochs_count_units() -> None:
    data = order(Units.of_groups(PROMPTS), batch_size=6, epochs=2)
    assert data.steps == 3
    seen = np.concatenate([data.batch(step).rows for step in range(3)])
    assert np.bincount(seen).tolist() == [2] * 9


def test_the_order_of_single_completions_is_the_permutation_of_the_seed() -> None:
    data = order(Units.singles(np.arange(30)), batch_size=8, steps=3)
    expected = stream("data order", 0, 0).permutation(30)[:24]
    assert np.concatenate([data.batch(step).rows for step in range(3)]).tolist() == list(expected)


def test_pairs_that_the_rollouts_name_are_used_the_better_one_first() -> None:
    pairs = np.array([-1, 5, 5, 5, 5, -1, 7, -1, 7])
    rewards = np.array([1, -1, 1, 1, -1, 1, 0.5, 1, 1])
    assert members(named_pairs(pairs, PROMPTS, rewards)) == [[2, 1], [3, 4], [8, 6]]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([-1] * 9, "empty for all 9 completions"),
        (
            [3, 3, 3, -1, -1, -1, -1, -1, -1],
            "Pair 3 of the rollouts is not two completions of one prompt, but 3",
        ),
        (
            [3, -1, -1, 3, -1, -1, -1, -1, -1],
            "Pair 3 of the rollouts is not two completions of one prompt, but 1",
        ),
        ([4, -1, 4, -1, -1, -1, -1, -1, -1], "Both completions of pair 4 have the reward 1"),
    ],
)
def test_named_pairs_that_are_none_are_refused(pairs: list[int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        named_pairs(np.array(pairs), PROMPTS, np.array([1, -1, 1, -1, 1, 1, 1, -1, 1]))


def test_random_pairs_use_no_completion_twice_and_stay_within_a_prompt() -> None:
    rewards = np.array([1, -1, 1, -1, -1, 1, -1, -1, -1])
    units = random_pairs(PROMPTS, rewards, most=16, seed=0)
    assert units.sizes.tolist() == [2, 2]
    assert len(set(units.rows.tolist())) == 4
    better, worse = units.rows[0::2], units.rows[1::2]
    assert PROMPTS[better].tolist() == PROMPTS[worse].tolist() == [0, 2]
    assert (rewards[better] == 1).all()
    assert (rewards[worse] == -1).all()


def test_random_pairs_are_of_the_seed_and_at_most_so_many() -> None:
    prompts, rewards = np.zeros(40, np.int64), np.tile([1.0, -1.0], 20)
    first = random_pairs(prompts, rewards, most=16, seed=0)
    assert len(first) == 16
    assert members(random_pairs(prompts, rewards, most=16, seed=0)) == members(first)
    assert members(random_pairs(prompts, rewards, most=16, seed=1)) != members(first)
    assert len(random_pairs(prompts, rewards, most=3, seed=0)) == 3


def test_rewards_of_several_levels_are_parted_in_the_middle() -> None:
    rewards = np.array([1.1, 0.9, 0.1, -0.1, 0.5])
    units = random_pairs(np.zeros(5, np.int64), rewards, most=16, seed=3)
    assert all(set(pair) & {0, 1} and set(pair) & {2, 3} for pair in members(units))
    assert len(units) == 2


def test_no_pair_at_all_is_said_with_the_number_of_prompts() -> None:
    with pytest.raises(UserError, match="None of the 3 prompts has completions of different"):
        random_pairs(PROMPTS, np.full(9, 0.1), most=16, seed=0)
