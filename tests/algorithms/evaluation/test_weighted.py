"""Weighted self-consistency, against numbers worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from algorithms.evaluation.majority import expected_majority, votes_of
from algorithms.evaluation.outcomes import per_problem
from algorithms.evaluation.weighted import answer_scores, expected_weighted


def test_the_papers_toy_problem() -> None:
    """T13: answers 7, 7, 9 with 1, 0 and 3 of 4 verdicts: the majority says 7, weighted 9."""
    votes = votes_of([["7", "7", "9"]], [[False, False, True]])
    accepted = np.array([[1, 0, 3]])
    assert answer_scores(votes, accepted).tolist() == [[1, 3]]
    assert expected_majority(votes).tolist() == [0.0]
    assert expected_weighted(votes, accepted).tolist() == [1.0]


@pytest.mark.parametrize(
    ("answers", "correct", "accepted", "expected"),
    [
        # 5: 2 + 2 = 4 beats 6: 3, though one solution of 6 is trusted most
        (["5", "6", "5"], [True, False, True], [2, 3, 2], 1.0),
        # 5: 3, 6: 3: drawn by lot
        (["5", "6", "5"], [True, False, True], [1, 3, 2], 0.5),
        # invalid solutions have no score, whatever the verdicts say
        ([None, "6", None], [False, False, False], [4, 1, 4], 0.0),
        # nobody is accepted: the majority, 5, decides
        (["5", "6", "5"], [True, False, True], [0, 0, 0], 1.0),
        # nobody is accepted and no answer can be read
        ([None, None, None], [False, False, False], [0, 0, 0], 0.0),
    ],
)
def test_scores_ties_and_silence(
    answers: list[str | None], correct: list[bool], accepted: list[int], expected: float
) -> None:
    votes = votes_of([answers], [correct])
    assert expected_weighted(votes, np.array([accepted])).tolist() == [expected]


def test_verdicts_that_accept_everything_equally_give_the_majority() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (50, 8))
    answers = [[str(code) for code in row] for row in codes]
    votes = votes_of(answers, (codes == 0).tolist())
    everything = np.full(codes.shape, 3)
    assert np.allclose(expected_weighted(votes, everything), expected_majority(votes))


def test_a_perfect_verifier_finds_every_answer_that_is_there() -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 6, (50, 4))
    correct = codes == 0
    votes = votes_of([[str(code) for code in row] for row in codes], correct.tolist())
    weighted = expected_weighted(votes, correct.astype(np.int64))
    assert np.array_equal(weighted, correct.any(axis=1))


def test_the_figures_of_a_file_are_per_problem() -> None:
    rows = [
        # problem, answer, grade, accepted, right, invalid of 4 verdicts
        ("b", "7", "incorrect", 1, 2, 1),
        ("b", "7", "incorrect", 0, 4, 0),
        ("b", "9", "correct", 3, 3, 1),
        ("a", "4", "correct", 4, 4, 0),
        ("a", None, "invalid", 0, 1, 3),
        ("a", "4", "correct", 2, 2, 0),
    ]
    table = pa.Table.from_pylist(
        [
            {
                "prompt_id": problem,
                "sample": number % 3,
                "n_tokens": 2,
                "grade": grade,
                "parsed": answer,
                "verifications": 4,
                "accepted": accepted,
                "verdicts_right": right,
                "verdicts_invalid": invalid,
            }
            for number, (problem, answer, grade, accepted, right, invalid) in enumerate(rows)
        ]
    )
    found = per_problem(table)
    assert found.problems == ("a", "b")
    assert found.figures["weighted_at_n"].tolist() == [1.0, 1.0]
    assert found.figures["maj_at_n"].tolist() == [1.0, 0.0]
    assert found.figures["weighted_gain"].tolist() == [0.0, 1.0]
    assert found.figures["verdict_accuracy"].tolist() == [7 / 12, 9 / 12]
    assert found.figures["verdict_invalid_share"].tolist() == [3 / 12, 2 / 12]
    assert "greedy_accuracy" not in found.figures
