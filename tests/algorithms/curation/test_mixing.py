"""How many completions each set gives to a mixture, and which."""

import numpy as np
import pytest
from pydantic import ValidationError

from algorithms.base import UserError
from algorithms.curation.mixing import MixSpec, counts_of, draw, shares_of


def test_shares_are_exact() -> None:
    assert [str(share) for share in shares_of((0.1, 0.2))] == ["1/3", "2/3"]


@pytest.mark.parametrize(
    ("weights", "size", "counts"),
    [
        ((1, 1), 10, [5, 5]),
        ((0.7, 0.3), 10, [7, 3]),
        ((1, 1), 7, [4, 3]),  # 3.5 and 3.5: the first set gets the odd one
        ((1, 2, 1), 10, [3, 5, 2]),  # 2.5, 5, 2.5
        ((0.55, 0.45), 9, [5, 4]),  # 4.95, 4.05
    ],
)
def test_counts_are_the_shares_rounded_by_the_largest_remainder(
    weights: tuple[float, ...], size: int, counts: list[int]
) -> None:
    assert counts_of(weights, size, [100] * len(weights)) == counts


def test_without_a_size_the_scarcest_set_decides() -> None:
    assert counts_of((0.75, 0.25), None, [90, 100]) == [90, 30]
    assert counts_of((0.75, 0.25), None, [1000, 10]) == [30, 10]


def test_a_share_that_cannot_be_met_says_how_many_there_are() -> None:
    with pytest.raises(UserError) as caught:
        counts_of((0.8, 0.2), 100, [40, 30])
    text = str(caught.value)
    assert "set 1 holds 40 completions, and its share of 0.8 asks for 80" in text
    assert "there are 50 at most" in text
    assert "set 2" not in text


def test_a_share_of_less_than_one_completion_is_refused() -> None:
    with pytest.raises(UserError, match="share of set 2 is less than one"):
        counts_of((0.99, 0.01), 10, [100, 100])


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0), (1.0, -1.0), (1.0,) * 5])
def test_weights_are_two_to_four_positive_numbers(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        MixSpec(weights=weights)


def test_rows_are_drawn_once_each_and_the_same_every_time() -> None:
    spec = MixSpec(weights=(1, 1), size=20, seed=3)
    one, two = draw(spec, [15, 15]), draw(spec, [15, 15])
    for own, again in zip(one, two, strict=True):
        assert np.array_equal(own, again)
        assert len(set(own.tolist())) == 10
        assert (np.diff(own) > 0).all()
    assert not np.array_equal(one[0], one[1])  # sets of one size are drawn independently
    other = draw(spec.model_copy(update={"seed": 4}), [15, 15])
    assert not np.array_equal(one[0], other[0])
