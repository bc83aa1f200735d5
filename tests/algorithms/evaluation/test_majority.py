"""Majorities: ties, invalid answers, and every subset of a small set counted by hand."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.evaluation.majority import drawn_majority, expected_majority, votes_of

TOY = (["A", "A", "B", None], [True, True, False, False])
"""T11 of the TOPR document: answers A, A, B, invalid; A is right."""


def expected(answers: list[str | None], gold: str) -> float:
    """Return the probability of a right majority, worked out without arrays."""
    votes = Counter(answer for answer in answers if answer is not None)
    most = max(votes.values(), default=0)
    leaders = [answer for answer, count in votes.items() if count == most]
    return leaders.count(gold) / len(leaders) if leaders else 0.0


def test_the_four_subsets_of_the_toy_are_right_right_tie_tie() -> None:
    found = [
        expected_majority(
            votes_of([[TOY[0][one] for one in picked]], [[TOY[1][one] for one in picked]])
        )[0]
        for picked in combinations(range(4), 3)
    ]
    assert found == [1.0, 1.0, 0.5, 0.5]  # AAB, AA-, AB-, AB-


@given(st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=8))
def test_the_expected_majority_is_that_of_a_plain_count(answers: list[str | None]) -> None:
    votes = votes_of([answers], [[answer == "A" for answer in answers]])
    assert expected_majority(votes)[0] == pytest.approx(expected(answers, "A"))


@given(st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=6), st.randoms())
def test_neither_order_nor_names_of_answers_matter(
    answers: list[str | None], random: object
) -> None:
    shuffled = list(answers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    renamed = [None if one is None else f"<{one}>" for one in shuffled]
    before = votes_of([answers], [[one == "A" for one in answers]])
    after = votes_of([renamed], [[one == "<A>" for one in renamed]])
    assert expected_majority(before)[0] == expected_majority(after)[0]


def test_all_invalid_is_not_solved() -> None:
    votes = votes_of([[None, None]], [[False, False]])
    assert expected_majority(votes).tolist() == [0.0]
    assert not drawn_majority(votes, votes.codes, votes.right, np.random.default_rng(0)).any()


def test_lots_break_ties_as_often_each_way() -> None:
    votes = votes_of([["A", "B"]] * 4000, [[True, False]] * 4000)
    drawn = drawn_majority(votes, votes.codes, votes.right, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)  # 4 standard errors


def test_one_right_vote_beats_any_number_of_invalid_ones() -> None:
    votes = votes_of([["A", None, None, None]], [[True, False, False, False]])
    assert expected_majority(votes)[0] == 1.0


def test_problems_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match="same number"):
        votes_of([["A"], ["A", "B"]], [[True], [True, False]])
