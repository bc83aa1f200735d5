"""Smoothing, the band over seeds, and thinning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.results.curves import Curve, band, keep_extremes, smooth
from webapp.results.statistics import mean_ci


def curve(seed: int, x: list[float], y: list[float]) -> Curve:
    return Curve(seed, np.array(x, dtype=float), np.array(y, dtype=float))


def test_smoothing_is_the_debiased_average_worked_by_hand() -> None:
    # weight .5: (1), (.5*1+3)/1.5 -> weights 1/3, 2/3; then 1/7, 2/7, 4/7
    assert smooth(np.array([1.0, 3.0, 0.0]), 0.5) == pytest.approx([1, 7 / 3, 1])


def test_no_weight_changes_nothing() -> None:
    values = np.array([1.0, -5.0, 3.0])
    assert smooth(values, 0).tolist() == values.tolist()


@given(st.floats(-10, 10), st.floats(0, 0.99), st.integers(1, 50))
def test_a_constant_stays_what_it_is(value: float, weight: float, length: int) -> None:
    assert smooth(np.full(length, value), weight) == pytest.approx(np.full(length, value))


@pytest.mark.parametrize("weight", [-0.1, 1.0])
def test_a_weight_that_forgets_nothing_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="smoothing weight"):
        smooth(np.ones(3), weight)


def test_steps_are_aligned_exactly_and_a_late_seed_is_not_counted() -> None:
    result = band([curve(0, [0, 10, 20], [1, 2, 3]), curve(1, [0, 10], [3, 2])])
    assert result.x.tolist() == [0, 10, 20]
    assert result.mean.tolist() == [2, 2, 3]
    assert result.n.tolist() == [2, 2, 1]
    assert not result.is_interpolated
    expected = mean_ci([1, 3])
    assert (result.low[0], result.high[0]) == pytest.approx((expected.low, expected.high))
    assert np.isnan(result.low[2])


def test_tokens_that_differ_between_seeds_are_interpolated_and_say_so() -> None:
    result = band([curve(0, [0, 10], [0, 10]), curve(1, [0, 5, 20], [0, 5, 20])])
    assert result.is_interpolated
    assert result.x.tolist() == [0, 5, 10, 20]
    assert result.mean.tolist() == [0, 5, 10, 20]
    assert result.n.tolist() == [2, 2, 2, 1]  # never beyond a seed's own end


def test_the_band_belongs_to_the_smoothed_seeds() -> None:
    first, second = [0.0, 4.0, 0.0], [2.0, 2.0, 2.0]
    result = band([curve(0, [0, 1, 2], first), curve(1, [0, 1, 2], second)], smoothing=0.5)
    at_end = mean_ci([smooth(np.array(first), 0.5)[2], 2.0])
    assert (result.mean[2], result.low[2]) == pytest.approx((at_end.mean, at_end.low))


def test_points_that_are_no_numbers_are_left_out() -> None:
    result = band([curve(0, [0, 1, 2], [1, np.inf, 3]), curve(1, [0, 1, 2], [1, np.nan, 3])])
    assert result.x.tolist() == [0, 2]


def test_no_curves_make_an_empty_band() -> None:
    assert band([]).x.size == 0
    assert band([curve(0, [], [])]).mean.size == 0


def test_thinning_keeps_the_ends_and_a_single_spike() -> None:
    values = np.zeros(10_000)
    values[4321] = 5.0
    values[77] = -3.0
    rows = keep_extremes(values, 500)
    assert rows.size <= 500
    assert {0, 77, 4321, 9999} <= set(rows.tolist())


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(4, 60))
def test_thinning_is_in_order_within_its_limit_and_keeps_both_extremes(
    values: list[float], limit: int
) -> None:
    array = np.array(values)
    rows = keep_extremes(array, limit)
    assert rows.size <= max(limit, 0)
    assert (np.diff(rows) > 0).all()
    assert array[rows].max() == array.max()
    assert array[rows].min() == array.min()
