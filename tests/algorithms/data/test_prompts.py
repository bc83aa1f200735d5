"""Prompts as a policy reads them."""

import re

import pytest
from pydantic import ValidationError

from algorithms.asking import Prompt
from algorithms.base import UserError
from algorithms.data.prompts import adds_special_tokens, build_prompt, build_prompts
from algorithms.data.rows import Row
from algorithms.data.shots import GSM8K_8, MATH_4, SHOTS

ROW = Row("1", "2+2=", "4", "test")


class Bracketed:
    """A chat template whose text shows its messages."""

    chat_template = "own"

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        assert not tokenize
        said = "".join(f"<{m['role']}>{m['content']}" for m in conversation)
        return said + "<assistant>" * add_generation_prompt


def test_the_default_is_the_problem_alone() -> None:
    assert build_prompt(Prompt(), ROW) == "2+2="


def test_examples_stand_in_the_template_before_the_problem() -> None:
    prompt = Prompt(template="Q: {question}\nA:", shots="addition_3", system="Add.")
    assert build_prompt(prompt, ROW) == (
        "Add.\n\nQ: 3+5=\nA: 8\n\nQ: 12+7=\nA: 19\n\nQ: 41+36=\nA: 77\n\nQ: 2+2=\nA:"
    )


def test_own_examples_are_put_in_as_they_are() -> None:
    prompt = Prompt(template="Q: {question}\nA:", examples="Q: {x}\nA: {question}\n")
    assert build_prompt(prompt, ROW) == "Q: {x}\nA: {question}\n\nQ: 2+2=\nA:"


def test_a_problem_with_braces_is_not_read_as_a_template() -> None:
    row = Row("1", "{question} \\frac{1}{2} {0}", "", "test")
    assert build_prompt(Prompt(template="{question}!"), row) == "{question} \\frac{1}{2} {0}!"


def test_a_chat_template_gets_system_examples_and_problem_as_messages() -> None:
    prompt = Prompt(shots="addition_3", system="Add.", chat_template=True)
    examples = "<user>3+5=<assistant>8<user>12+7=<assistant>19<user>41+36=<assistant>77"
    expected = f"<system>Add.{examples}<user>2+2=<assistant>"
    assert build_prompts(prompt, [ROW], Bracketed()) == [expected]
    assert not adds_special_tokens(prompt)
    assert adds_special_tokens(Prompt())


def test_a_tokenizer_without_a_chat_template_is_refused() -> None:
    with pytest.raises(UserError, match="no chat template"):
        build_prompt(Prompt(chat_template=True), ROW)


def test_a_template_needs_a_place_for_the_question() -> None:
    with pytest.raises(ValidationError, match="where the problem goes"):
        Prompt(template="Q:")


def test_the_word_problems_calculate_right_and_end_in_the_marker() -> None:
    assert len(GSM8K_8) == 8
    for shot in GSM8K_8:
        result = 0.0
        for left, operator, right, claimed in re.findall(
            r"(\d+) ([-+*/]) (\d+) = (\d+)", shot.answer
        ):
            a, b = int(left), int(right)
            result = {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[operator]
            assert result == int(claimed)
        assert shot.answer.endswith(f"The answer is {result:g}.")


def test_the_competition_problems_end_in_the_final_answer() -> None:
    assert len(MATH_4) == 4
    answers = [re.findall(r"The final answer is \$(.*)\$\. I hope", s.answer) for s in MATH_4]
    assert answers == [["(3,\\infty)"], ["15"], ["18"], ["6"]]


def test_every_choice_of_examples_is_there() -> None:
    assert all(Prompt.model_validate({"shots": name}).shots == name for name in SHOTS)
