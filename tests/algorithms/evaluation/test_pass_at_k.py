"""pass@k against a count of every subset."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.evaluation.pass_at_k import pass_at_k


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_it_is_the_share_of_subsets_with_a_correct_completion(
    correct: list[bool], data: st.DataObject
) -> None:
    n = len(correct)
    k = data.draw(st.integers(1, n))
    subsets = list(combinations(correct, k))
    expected = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_k(np.array([sum(correct)]), n, k)[0] == pytest.approx(expected)


def test_pass_at_1_is_the_share_correct_and_pass_at_n_whether_any_is() -> None:
    counts = np.array([0, 1, 3, 4])
    assert pass_at_k(counts, 4, 1) == pytest.approx(counts / 4)
    assert pass_at_k(counts, 4, 4).tolist() == [0, 1, 1, 1]


def test_a_thousand_completions_overflow_nothing() -> None:
    # 1 - C(999, 500) / C(1000, 500) = 1 - 500 / 1000
    assert pass_at_k(np.array([1]), 1000, 500)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("k", [0, 5])
def test_more_completions_than_there_are_cannot_be_drawn(k: int) -> None:
    with pytest.raises(ValueError, match="of the 4 completions"):
        pass_at_k(np.array([1]), 4, k)
