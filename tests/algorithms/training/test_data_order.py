"""Which completions an update sees: every one equally often, in an order of the seed's."""

import numpy as np

from algorithms.settings import LLMSettings
from algorithms.training.data_order import DataOrder
from algorithms.training.units import Units


def order(count: int, *, seed: int = 0, **settings: float) -> DataOrder:
    units = Units.singles(np.arange(count))
    return DataOrder(units, LLMSettings(micro_batch_size=1, **settings), seed)


def rows(data: DataOrder, step: int) -> list[int]:
    return [int(row) for row in data.batch(step).rows]


def all_of(data: DataOrder) -> list[int]:
    return [row for step in range(data.steps) for row in rows(data, step)]


def test_an_epoch_sees_everything_once_and_the_last_batch_is_smaller() -> None:
    data = order(10, batch_size=4, epochs=2)
    assert data.steps == 5
    seen = all_of(data)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]
    assert [len(rows(order(10, batch_size=4, epochs=1), step)) for step in range(3)] == [4, 4, 2]


def test_steps_run_on_over_the_border_of_epochs() -> None:
    data = order(10, batch_size=4, steps=5)
    assert [len(data.batch(step)) for step in range(data.steps)] == [4] * 5
    assert sorted(all_of(data)) == sorted(list(range(10)) * 2)


def test_a_batch_may_be_larger_than_the_data() -> None:
    assert np.bincount(rows(order(3, batch_size=7, steps=1), 0)).tolist() in [
        [2, 2, 3],
        [2, 3, 2],
        [3, 2, 2],
    ]


def test_any_update_can_be_asked_for_without_those_before() -> None:
    data = order(50, batch_size=8, steps=40)
    late = rows(data, 39)
    assert rows(order(50, batch_size=8, steps=40), 39) == late


def test_the_seed_decides_the_order() -> None:
    assert rows(order(50, batch_size=50, steps=1), 0) != rows(
        order(50, batch_size=50, steps=1, seed=1), 0
    )


def test_a_fraction_of_an_epoch_is_at_least_one_completion() -> None:
    assert len(all_of(order(10, batch_size=4, epochs=0.5))) == 5
    assert len(all_of(order(10, batch_size=4, epochs=0.001))) == 1
