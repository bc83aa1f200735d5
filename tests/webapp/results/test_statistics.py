"""Means over seeds, against scipy and numbers worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from algorithms.evaluation.holm import holm
from webapp.results.statistics import columns_ci, mean_ci

values_of_seeds = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)


def test_the_interval_of_two_values_is_the_one_worked_by_hand() -> None:
    result = mean_ci([0.70, 0.80])
    # standard deviation 0.0707107, divided by sqrt(2) 0.05, times t(1) = 12.7062
    assert result.mean == pytest.approx(0.75)
    assert result.margin == pytest.approx(0.635310, abs=1e-5)
    assert result.n == 2


@given(values_of_seeds)
def test_the_interval_agrees_with_scipy(values: list[float]) -> None:
    result = mean_ci(values)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    assert result.low is not None
    assert result.high is not None
    if error == 0:
        assert result.low == result.high == result.mean
        return
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error)
    assert result.low == pytest.approx(low, rel=1e-9, abs=1e-6)
    assert result.high == pytest.approx(high, rel=1e-9, abs=1e-6)


@given(values_of_seeds, st.floats(-100, 100), st.floats(0.1, 10))
def test_the_interval_moves_and_scales_with_the_values(
    values: list[float], shift: float, scale: float
) -> None:
    plain, moved = mean_ci(values), mean_ci([scale * value + shift for value in values])
    assert plain.margin is not None
    assert moved.margin == pytest.approx(scale * plain.margin, rel=1e-6, abs=1e-4)
    assert moved.mean == pytest.approx(scale * plain.mean + shift, rel=1e-6, abs=1e-4)


def test_one_seed_has_no_interval_and_says_so() -> None:
    result = mean_ci([0.4])
    assert (result.mean, result.low, result.high, result.margin) == (0.4, None, None, None)
    assert "One seed" in result.why_no_interval
    assert mean_ci([0.4, 0.5]).why_no_interval == ""


@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [math.inf]])
def test_no_values_and_values_that_are_no_numbers_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        mean_ci(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_a_confidence_outside_zero_and_one_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_ci([1.0, 2.0], confidence)


def test_nineteen_of_twenty_intervals_hold_the_true_mean() -> None:
    random = np.random.default_rng(0)
    samples = random.normal(3.0, 2.0, size=(4000, 3))
    held = 0
    for sample in samples:
        interval = mean_ci(sample)
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 3.0 <= interval.high
    assert held / 4000 == pytest.approx(0.95, abs=0.01)  # about 3 standard errors of the share


def test_columns_agree_with_one_interval_per_column() -> None:
    table = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [8.0, 5.0, np.nan]])
    mean, margin, n = columns_ci(table)
    assert n.tolist() == [3, 2, 0]
    for column, values in enumerate(([1.0, 3.0, 8.0], [2.0, 5.0])):
        one = mean_ci(values)
        assert mean[column] == pytest.approx(one.mean)
        assert margin[column] == pytest.approx(one.margin)
    assert math.isnan(mean[2])
    assert math.isnan(margin[2])


def test_a_column_with_one_seed_has_a_mean_and_no_margin() -> None:
    mean, margin, _ = columns_ci(np.array([[0.5]]))
    assert mean[0] == 0.5
    assert math.isnan(margin[0])


def test_holm_multiplies_the_smallest_by_all_and_never_decreases() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    # sorted .005 .01 .03 .04 -> x4 .02, x3 .03, x2 .06, x1 .04 raised to .06
    assert adjusted == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


def test_holm_of_one_test_changes_nothing_and_caps_at_one() -> None:
    assert holm({"a": 0.2}) == {"a": 0.2}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(dict(enumerate(p_values)))
    for key, value in enumerate(p_values):
        assert value <= adjusted[key] <= 1
    smallest = min(range(len(p_values)), key=lambda key: p_values[key])
    assert adjusted[smallest] == min(1.0, p_values[smallest] * len(p_values))
