"""Grades: what is correct, what is wrong, and what is no answer at all."""

import time
from typing import Literal

import pytest

from algorithms.asking import Grading, Rewards
from algorithms.base import UserError
from algorithms.data.grading import FinishReason, Grade, grade, reward


def graded(
    text: str,
    answer: str = "46",
    *,
    finish_reason: FinishReason = "stop",
    grader: Literal["integer", "exact"] = "integer",
) -> Grade:
    return grade(text, answer, finish_reason=finish_reason, grading=Grading(grader=grader))


@pytest.mark.parametrize("text", ["46", " 46\n", "046", "+46", "0" * 5000 + "46"])
def test_an_integer_equal_to_the_answer_is_correct(text: str) -> None:
    assert graded(text) == "correct"


@pytest.mark.parametrize("text", ["47", "-46", "4", "460", "9" * 10_000])
def test_another_integer_is_incorrect(text: str) -> None:
    assert graded(text) == "incorrect"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "4+6",
        "46.",
        "46 47",
        "4 6",
        "<pad>46",
        "٤٦",
        "４６",
        "0x2e",
        "1e3",
        "--46",
        "4\x006",
    ],
)
def test_anything_but_one_integer_is_invalid(text: str) -> None:
    assert graded(text) == "invalid"


def test_a_completion_that_was_cut_off_is_invalid_even_if_its_text_is_right() -> None:
    assert graded("46", finish_reason="length") == "invalid"
    assert graded("46", finish_reason="length", grader="exact") == "invalid"


def test_minus_zero_is_zero() -> None:
    assert graded("-0", "0") == "correct"


def test_exact_compares_trimmed_text_and_empty_is_invalid() -> None:
    assert graded(" yes ", "yes", grader="exact") == "correct"
    assert graded("046", "46", grader="exact") == "incorrect"
    assert graded("  ", "yes", grader="exact") == "invalid"


def test_an_answer_that_is_no_integer_needs_another_grader() -> None:
    with pytest.raises(UserError, match="Choose the exact grader"):
        graded("46", "forty-six")


@pytest.mark.parametrize("text", ["0" * 10**6 + "x", "9" * 10**6, "-" * 10**6, " " * 10**6])
def test_hostile_text_costs_no_more_than_reading_it(text: str) -> None:
    started = time.process_time()
    graded(text)
    assert time.process_time() - started < 0.5


def test_each_grade_has_its_own_reward() -> None:
    rewards = Rewards(correct=2, incorrect=-1, invalid=-3)
    assert [reward(g, rewards) for g in ("correct", "incorrect", "invalid")] == [2, -1, -3]
