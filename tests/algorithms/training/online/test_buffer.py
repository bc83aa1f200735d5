"""Who is learned from next: a queue in order of arrival, or priorities worked out by hand."""

from pathlib import Path

import pytest

from algorithms.online.settings import Replay
from algorithms.training.online.buffer import Buffer, Group

AGAIN = Replay(buffer="priority", priority_decay=2.0, use_limit=3, reuse_cooldown=0)


def group(number: int, version: int = 0, size: int = 2) -> Group:
    return Group(
        number=number,
        version=version,
        prompt_id=f"p{number}",
        prompt=[1, 2],
        completions=[[3, 4 + sample] for sample in range(size)],
        logprobs=[[-0.5, -0.25] for _ in range(size)],
        reference=None,
        rewards=[1.0, 0.0][:size],
        truncated=[False] * size,
    )


def buffer(replay: Replay, *groups: Group) -> Buffer:
    made = Buffer(replay, seed=0)
    made.add(groups)
    return made


def numbers(groups: list[Group]) -> list[int]:
    return [one.number for one in groups]


def test_a_queue_gives_the_oldest_first_and_once() -> None:
    queue = buffer(Replay(), *(group(number, version=9 - number) for number in range(5)))
    assert numbers(queue.take(2, step=0)) == [0, 1]
    assert numbers(queue.take(9, step=1)) == [2, 3, 4]
    assert (queue.completions, queue.ready(2)) == (0, 0)


def test_priority_is_the_version_less_decay_times_uses() -> None:
    made = buffer(AGAIN, group(0, version=4), group(1, version=5), group(2, version=1))
    assert numbers(made.take(2, step=0)) == [1, 0]
    # 4 - 2 = 2 and 5 - 2 = 3 against the untouched 1; then 3 - 2 = 1 ties and the older goes first.
    assert numbers(made.take(1, step=1)) == [1]
    assert [made.priority(one) for one in made] == [2, 1, 1]
    assert numbers(made.take(3, step=2)) == [0, 1, 2]


def test_what_was_used_often_enough_leaves() -> None:
    made = buffer(AGAIN, group(0))
    for step in range(3):
        assert numbers(made.take(1, step)) == [0]
    assert made.take(1, step=3) == []


def test_a_group_rests_between_two_uses_and_without_a_cooldown_there_is_none() -> None:
    resting = buffer(AGAIN.model_copy(update={"reuse_cooldown": 2}), group(0))
    assert [len(resting.take(1, step)) for step in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    once = buffer(AGAIN.model_copy(update={"reuse_cooldown": None}), group(0))
    assert [len(once.take(1, step)) for step in range(3)] == [1, 0, 0]


def test_beyond_the_capacity_those_of_lowest_priority_leave() -> None:
    made = Buffer(AGAIN.model_copy(update={"capacity": 4}), seed=0)
    assert made.add([group(0, version=1), group(1, version=3)]) == 0
    assert made.add([group(2, version=2)]) == 2
    assert sorted(one.number for one in made) == [1, 2]


def test_older_versions_are_dropped_and_counted_in_completions() -> None:
    made = buffer(Replay(), group(0, version=1), group(1, version=2), group(2, version=3))
    assert made.drop_older(3) == 4
    assert [one.number for one in made] == [2]


def test_noise_is_seeded_and_another_seed_gives_another_order() -> None:
    noisy = AGAIN.model_copy(update={"priority_noise": 5.0})
    orders = []
    for seed in (0, 0, 1):
        made = Buffer(noisy, seed)
        made.add([group(number) for number in range(20)])
        orders.append(numbers(made.take(20, step=0)))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("replay", [Replay(), AGAIN])
def test_a_saved_buffer_goes_on_exactly_as_the_one_that_was_not(
    replay: Replay, tmp_path: Path
) -> None:
    made = buffer(replay, *(group(number, version=number % 3) for number in range(8)))
    made.take(3, step=0)
    made.save(tmp_path)
    restored = Buffer(replay, seed=0)
    restored.restore(tmp_path)
    assert list(restored) == list(made)
    assert [numbers(restored.take(2, step)) for step in range(1, 6)] == [
        numbers(made.take(2, step)) for step in range(1, 6)
    ]
