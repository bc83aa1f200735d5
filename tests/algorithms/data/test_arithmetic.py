"""Addition problems: right, distinct, apart, and the same for the same seed."""

from typing import Literal

import pytest

from algorithms.base import UserError
from algorithms.data.arithmetic import generate
from algorithms.sources import ArithmeticSource


def operands(prompt: str) -> tuple[int, int]:
    left, right = prompt.removesuffix("=").split("+")
    return int(left), int(right)


def test_answers_are_sums_of_operands_without_leading_zeros() -> None:
    for row in generate(ArithmeticSource(digits=2, train=500, test=100)):
        left, right = operands(row.prompt)
        assert int(row.answer) == left + right
        assert 10 <= left <= 99
        assert 10 <= right <= 99


def test_no_pair_nor_its_swap_is_in_both_splits() -> None:
    rows = list(generate(ArithmeticSource(digits=2, train=7000, test=400)))
    train = {operands(row.prompt) for row in rows if row.split == "train"}
    test = {operands(row.prompt) for row in rows if row.split == "test"}
    assert (len(train), len(test)) == (7000, 400)
    assert not train & (test | {(b, a) for a, b in test})


def test_the_seed_decides_the_problems() -> None:
    first, again, other = (
        list(generate(ArithmeticSource(train=50, test=10, seed=seed))) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("name", "wording"), [("spaced", "{} + {} ="), ("question", "What is {} + {}?")]
)
def test_the_wording_changes_the_text_and_nothing_else(
    name: Literal["spaced", "question"], wording: str
) -> None:
    equations = list(generate(ArithmeticSource(train=50, test=10)))
    questions = list(generate(ArithmeticSource(train=50, test=10, wording=name)))
    for equation, question in zip(equations, questions, strict=True):
        left, right = operands(equation.prompt)
        assert question.prompt == wording.format(left, right)
        assert (question.id, question.answer) == (equation.id, equation.answer)


@pytest.mark.parametrize(("train", "test"), [(95, 6), (70, 30)])
def test_more_problems_than_there_are_say_so(train: int, test: int) -> None:
    with pytest.raises(UserError, match="Ask for fewer, or for more digits"):
        list(generate(ArithmeticSource(digits=1, train=train, test=test)))


def test_six_digits_do_not_list_a_million_million_pairs() -> None:
    rows = list(generate(ArithmeticSource(digits=6, train=20, test=5)))
    assert len({row.prompt for row in rows}) == 25


def test_verdicts_are_asked_about_sums_of_which_half_are_right() -> None:
    rows = list(generate(ArithmeticSource(digits=2, train=400, test=100, asks="verdict")))
    sums = list(generate(ArithmeticSource(digits=2, train=400, test=100)))
    for row, asked in zip(rows, sums, strict=True):
        shown = row.prompt.removeprefix(asked.prompt).removesuffix("=")
        assert row.prompt == f"{asked.prompt}{shown}="
        assert row.answer == ("1" if shown == asked.answer else "0")
        assert len(shown) == len(asked.answer)
        assert sum(a != b for a, b in zip(shown, asked.answer, strict=True)) <= 1
    assert 0.4 < sum(row.answer == "1" for row in rows) / len(rows) < 0.6


def test_a_share_of_the_taught_answers_cannot_be_read_and_no_held_out_one() -> None:
    rows = list(generate(ArithmeticSource(digits=2, train=2000, test=100, malformed=0.2)))
    sums = list(generate(ArithmeticSource(digits=2, train=2000, test=100)))
    spoilt = [(row, asked) for row, asked in zip(rows, sums, strict=True) if row != asked]
    assert 0.17 < len(spoilt) / 2000 < 0.23
    for row, asked in spoilt:
        assert (row.prompt, row.split) == (asked.prompt, "train")
        assert row.answer.count("+") == 1
        assert len(row.answer) == len(asked.answer)


def test_sources_that_ask_nothing_new_keep_their_fingerprint() -> None:
    told = ArithmeticSource().model_dump(mode="json")
    assert set(told) == {"source", "digits", "train", "test", "wording", "seed"}
