"""Cardinality, repetition and McNemar's test against numbers of other origin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from algorithms.evaluation.cardinality import bin_edges, cardinality
from algorithms.evaluation.mcnemar import mcnemar
from algorithms.evaluation.repetition import is_repetitive, repetition


def test_the_bins_of_the_paper_for_sixteen_completions() -> None:
    assert bin_edges(16) == ((0, 0), (1, 4), (5, 8), (9, 12), (13, 16))


def test_few_completions_have_a_bin_each() -> None:
    assert bin_edges(2) == ((0, 0), (1, 1), (2, 2))


@given(st.integers(1, 70), st.data())
def test_every_problem_is_in_exactly_one_bin(n: int, data: st.DataObject) -> None:
    correct = np.array(data.draw(st.lists(st.integers(0, n), max_size=30)), dtype=np.int64)
    bins = cardinality(correct, n)
    assert sum(one.problems for one in bins) == correct.size
    assert [one.first for one in bins[1:]] == [one.last + 1 for one in bins[:-1]]
    assert bins[-1].last == n


def test_a_loop_is_repetitive_and_a_count_is_not() -> None:
    # 40 tokens of a loop of 2: 37 4-grams, 2 of them distinct
    assert repetition([7, 8] * 20) == pytest.approx(35 / 37)
    assert repetition(list(range(40))) == 0.0
    assert is_repetitive(repetition([7, 8] * 20))


def test_short_completions_never_repeat() -> None:
    assert repetition([1] * 18) == 0.0
    assert repetition([1] * 19) > 0.9


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_the_two_sided_binomial_test(gained: int, lost: int) -> None:
    first = np.array([False] * gained + [True] * lost + [True, False], dtype=bool)
    second = np.array([True] * gained + [False] * lost + [True, False], dtype=bool)
    found = mcnemar(first, second)
    assert (found.gained, found.lost) == (gained, lost)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert found.p_value == pytest.approx(expected)


def test_mcnemar_errs_at_most_one_time_in_twenty() -> None:
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        difficulty = random.random(200)
        first, second = random.random((2, 200)) < difficulty
        wrong += mcnemar(first, second).p_value < 0.05
    assert wrong / 1000 <= 0.05 + 2 * 0.007  # exact, so rather below 5%
    assert wrong / 1000 >= 0.015


def test_answers_to_other_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="same problems"):
        mcnemar(np.array([True]), np.array([True, False]))
