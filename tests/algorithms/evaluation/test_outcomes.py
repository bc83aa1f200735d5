"""Outcomes read back: figures per problem, votes, files of earlier versions."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from algorithms.evaluation.majority import INVALID
from algorithms.evaluation.outcomes import Statistics, answers_of, per_problem, statistics

ROWS: list[dict[str, Any]] = [
    # problem b comes first in the file and last in order of id
    {"prompt_id": "b", "sample": -1, "grade": "correct", "parsed": "7", "repetition": 0.0},
    {"prompt_id": "b", "sample": 0, "grade": "correct", "parsed": "7", "repetition": 0.0},
    {"prompt_id": "b", "sample": 1, "grade": "incorrect", "parsed": "8", "repetition": 0.9},
    {"prompt_id": "b", "sample": 2, "grade": "correct", "parsed": "7", "repetition": 0.5},
    {"prompt_id": "a", "sample": -1, "grade": "invalid", "parsed": None, "repetition": 0.0},
    {"prompt_id": "a", "sample": 0, "grade": "incorrect", "parsed": "7", "repetition": 0.0},
    {"prompt_id": "a", "sample": 1, "grade": "incorrect", "parsed": "9", "repetition": 0.0},
    {"prompt_id": "a", "sample": 2, "grade": "correct", "parsed": "5", "repetition": 0.0},
]


def table(*without: str) -> pa.Table:
    rows = [
        {**row, "n_tokens": 3, "completion": f" {row['parsed']} ", "finish_reason": "stop"}
        for row in ROWS
    ]
    rows[6]["finish_reason"] = "length"
    return pa.Table.from_pylist(rows).drop_columns(list(without))


def test_figures_are_by_problem_in_order_of_id() -> None:
    found = per_problem(table())
    assert found.problems == ("a", "b")
    assert found.places.tolist() == [1, 0]
    assert found.figures["greedy_accuracy"].tolist() == [0, 1]
    assert found.figures["pass_at_1"] == pytest.approx([1 / 3, 2 / 3])
    assert found.figures["pass_at_n"].tolist() == [1, 1]
    # a: three answers with one vote each, one of them right; b: 7 leads with two votes
    assert found.figures["maj_at_n"] == pytest.approx([1 / 3, 1])
    assert found.figures["cut_off_share"] == pytest.approx([1 / 3, 0])
    assert found.figures["repetitive_share"] == pytest.approx([0, 1 / 3])


def test_the_means_are_over_problems() -> None:
    means = per_problem(table()).means
    assert means["pass_at_1"] == pytest.approx(0.5)
    assert means["tokens_mean"] == 3.0


def test_files_of_earlier_versions_vote_by_the_stripped_completion() -> None:
    old = table("parsed", "finish_reason", "repetition")
    found = per_problem(old)
    assert found.figures["maj_at_n"] == pytest.approx([1 / 3, 1])
    assert not {"cut_off_share", "repetitive_share"} & set(found.figures)
    assert answers_of(old).to_pylist()[3:6] == ["7", None, "7"]


def test_an_invalid_completion_has_no_vote_whatever_was_read() -> None:
    rows = [{**row, "grade": "invalid", "parsed": "7"} for row in table().to_pylist()]
    found = per_problem(pa.Table.from_pylist(rows, schema=table().schema))
    assert found.votes is not None
    assert (found.votes.codes == INVALID).all()
    assert found.figures["maj_at_n"].tolist() == [0, 0]


def test_without_samples_only_the_greedy_answers_count() -> None:
    greedy = table().filter(np.array([row["sample"] == -1 for row in ROWS]))
    found = per_problem(greedy)
    assert set(found.figures) == {"greedy_accuracy"}
    assert found.votes is None


def test_statistics_survive_their_file() -> None:
    votes = per_problem(table()).votes
    assert votes is not None
    found = statistics(votes, seed=0)
    assert Statistics.model_validate_json(found.model_dump_json()) == found
    assert found.correct_counts == (0, 1, 1, 0)
    assert [one.k for one in found.maj_at_k] == [1, 2, 3]
    assert found.maj_at_k[-1].value == pytest.approx(2 / 3)
