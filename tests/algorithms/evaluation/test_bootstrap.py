"""The paper's bootstrap: its vectors, its limits, and all subsets of a small set."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from algorithms.evaluation.bootstrap import (
    figures_at_k,
    paper_standard_error,
    question_standard_error,
    sizes,
)
from algorithms.evaluation.majority import expected_majority, votes_of


def test_the_standard_errors_of_the_paper() -> None:
    # T11: n = 64, V = 1e-4
    assert paper_standard_error(1e-4, 64, 16) == pytest.approx(0.0057735, abs=1e-7)
    assert paper_standard_error(1e-4, 64, 1) == pytest.approx(0.0012599, abs=1e-7)


def test_all_completions_leave_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="not defined"):
        paper_standard_error(1e-4, 16, 16)


def test_powers_of_two_and_all_are_shown() -> None:
    assert sizes(16) == (1, 2, 4, 8, 16)
    assert sizes(6) == (1, 2, 4, 6)
    assert sizes(1) == (1,)


def test_maj_at_3_of_the_toy_comes_near_the_mean_over_its_four_subsets() -> None:
    rows = 400
    votes = votes_of([["A", "A", "B", None]] * rows, [[True, True, False, False]] * rows)
    _, majority = figures_at_k(votes, seed=0)
    of_two = next(one for one in majority if one.k == 2)
    subsets = [
        expected_majority(
            votes_of([[["A", "A", "B", None][i] for i in two]], [[i < 2 for i in two]])
        )[0]
        for two in combinations(range(4), 2)
    ]
    assert of_two.value == pytest.approx(np.mean(subsets), abs=0.01)  # 40,000 draws
    assert of_two.over == "completions"


def test_the_variance_is_that_of_draws_without_replacement() -> None:
    # One correct completion of four, K = 2: a problem passes with probability 1/2 in each trial,
    # so V over P problems is 1/4 / P, and the paper divides by 4/2 - 1 = 1.
    problems = 100
    votes = votes_of([["A", "B", "C", "D"]] * problems, [[True, False, False, False]] * problems)
    passes, _ = figures_at_k(votes, seed=0, trials=4000)
    found = next(one for one in passes if one.k == 2)
    assert found.value == pytest.approx(0.5)
    assert found.standard_error == pytest.approx(sqrt(0.25 / problems), rel=0.05)


def test_with_all_completions_the_error_is_over_questions() -> None:
    votes = votes_of([["A", "A"], ["B", "B"], ["A", "B"]], [[True] * 2, [False] * 2, [True, False]])
    passes, majority = figures_at_k(votes, seed=0)
    assert (passes[-1].k, passes[-1].over) == (2, "questions")
    assert passes[-1].value == pytest.approx(2 / 3)
    assert (majority[-1].over, majority[-1].value) == ("questions", 0.5)
    assert majority[-1].standard_error == pytest.approx(0.5 / sqrt(3))


def test_the_error_over_questions_is_what_drawing_questions_gives() -> None:
    random = np.random.default_rng(0)
    values = (random.random(200) < 0.3).astype(float)
    drawn = values[random.integers(200, size=(4000, 200))].mean(axis=1).std()
    assert question_standard_error(values) == pytest.approx(drawn, rel=0.05)


def test_one_question_has_no_error() -> None:
    assert question_standard_error(np.array([1.0])) is None


def test_pass_grows_with_k_and_a_seed_repeats() -> None:
    random = np.random.default_rng(1)
    correct = (random.random((50, 8)) < 0.4).tolist()
    answers = [[("right" if one else str(random.integers(3))) for one in row] for row in correct]
    votes = votes_of(answers, correct)
    first, again = figures_at_k(votes, seed=3), figures_at_k(votes, seed=3)
    assert first == again
    values = [one.value for one in first[0]]
    assert values == sorted(values)
    assert first[0][0].value == pytest.approx(first[1][0].value, abs=0.05)  # K = 1: the same thing
