"""Each grader: what it reads, what is invalid, what is equal."""

import pytest

from algorithms.asking import Grading, Rewards
from algorithms.base import UserError
from algorithms.data.grading import Item, Verdict, grade_all, reward


def judged(text: str, answer: str, *, finish_reason: str = "stop", **settings: object) -> Verdict:
    grading = Grading.model_validate(settings)
    item = Item(text, answer, "stop" if finish_reason == "stop" else "length")
    return grade_all([item], grading, processes=1)[0]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("12 - 5 = 7. The answer is 7.", "7"),
        ("So the answer is $1,234.50.", "1234.5"),
        ("The answer is\n-3 apples", "-3"),
        ("The answer is -$3", "-3"),
        ("The answer is \u22123", "-3"),
        ("The answer is 007.0", "7"),
        ("The answer is 2/4 of it", "0.5"),
        ("The answer is 1/3", "1/3"),
        ("The answer is that Ann has 5 of the 9.", "5"),
        ("The answer is 5.\n\nQ: next?\nA: The answer is 6.", "5"),
        ("The answer is " + "9" * 10_000, "9" * 10_000),
    ],
)
def test_number_reads_what_follows_the_first_marker(text: str, parsed: str) -> None:
    assert judged(text, parsed, grader="number") == Verdict("correct", parsed)
    assert judged(text, "12345", grader="number") == Verdict("incorrect", parsed)


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "#### 7",
        "The answer is seven",
        "The answer is",
        "The answer is x\n7",
        "The answer is 1e9",
    ],
)
def test_without_the_marker_and_a_number_there_is_no_answer(text: str) -> None:
    assert judged(text, "7", grader="number") == Verdict("invalid", None)


def test_the_marker_is_a_setting() -> None:
    assert judged("Result: 7", "7", grader="number", marker="Result:").grade == "correct"
    assert judged("The answer is 7", "7", grader="number", marker="Result:").grade == "invalid"


def test_hash_reads_solutions_of_gsm8k_and_every_number_grader_takes_them_as_references() -> None:
    solution = "Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 1,072"
    assert judged(solution, solution, grader="hash") == Verdict("correct", "1072")
    assert judged("The answer is 1072", solution, grader="number").grade == "correct"
    assert judged("The answer is 1072", solution, grader="hash").grade == "invalid"


def test_a_float_of_a_data_set_equals_its_whole_number() -> None:
    assert judged("The answer is 51", "51.0", grader="number").grade == "correct"


@pytest.mark.parametrize("grader", ["number", "hash", "choice", "tool_call", "integer"])
def test_a_reference_that_the_grader_cannot_read_is_named(grader: str) -> None:
    with pytest.raises(UserError, match="'no such thing'"):
        judged("x", "no such thing", grader=grader)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B) 17", None),
        ("The answer is B.", "B"),
        ("The answer is (C) 17", "C"),
        ("the answer is: **D**", "D"),
        ("The answer is (a).", "A"),
        ("The answer is a", "A"),
        ("The answer is a dog", None),
        ("The answer is Blue", None),
        (r"So \boxed{\text{(E)}}", "E"),
        (r"\boxed{17}", None),
        ("I choose B", None),
    ],
)
def test_choice_reads_a_letter(text: str, letter: str | None) -> None:
    assert judged(text, "B) 17", grader="choice").parsed == letter


CALLS = '[{"name": "f", "arguments": {"x": 2, "y": [1]}}, {"name": "g", "arguments": {}}]'
OTHER_ORDER = '[{"arguments": {}, "name": "g"}, {"name": "f", "arguments": {"y": [1], "x": 2.0}}]'
ONE_MORE = CALLS[:-1] + ', {"name": "g", "arguments": {}}]'


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        (f"<think>a</think>\n<tool_call>{CALLS}</tool_call>", "correct"),
        (
            f"<think></think><tool_call>{OTHER_ORDER}</tool_call>",
            "correct",
        ),
        (
            '<think></think><tool_call>[{"name": "g", "arguments": {}}]</tool_call>',
            "incorrect",
        ),
        (
            f"<think></think><tool_call>{ONE_MORE}</tool_call>",
            "incorrect",
        ),
        (CALLS, "invalid"),
        (f"<think>a</think><think>b</think><tool_call>{CALLS}</tool_call>", "invalid"),
        (f"<tool_call>{CALLS}</tool_call><think>a</think>", "invalid"),
        (f"<think>a</think><tool_call>{CALLS}</tool_call> more", "invalid"),
        ("<think>a</think><tool_call>[{</tool_call>", "invalid"),
        ('<think>a</think><tool_call>[{"name": "f"}]</tool_call>', "invalid"),
        ("<think>a</think><tool_call>" + "[" * 90_000 + "</tool_call>", "invalid"),
        ("<think>a</think><tool_call>[" + "9" * 90_000 + "]</tool_call>", "invalid"),
    ],
)
def test_tool_calls_are_one_multiset_in_one_pair_of_each_tag(text: str, grade: str) -> None:
    assert judged(text, CALLS, grader="tool_call").grade == grade


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (r"\boxed{1} The final answer is $3$. I hope it is correct. \boxed{2}", "3"),
        (r"\boxed{1} then \boxed{\frac{1}{2}}", "0.5"),
        (r"\boxed 5 $", "5"),
        ("the answer is 4. But the answer is $x=5$ here.", "5"),
        ("one 3, two 4,000", "4000"),
        ("<think>\\boxed{1}</think><answer>x+1</answer>", "x+1"),
    ],
)
def test_math_reads_in_the_order_of_deepseekmath(text: str, parsed: str) -> None:
    assert judged(text, parsed, grader="math") == Verdict("correct", parsed)


def test_math_may_read_boxes_only() -> None:
    settings = {"grader": "math", "math_reads": "boxed"}
    assert judged("The answer is 5", "5", **settings).grade == "invalid"
    assert judged(r"\fbox{5}", "5", **settings).grade == "correct"
    assert judged(r"\boxed{5", "5", **settings).grade == "invalid"


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (r"\dfrac12", "0.5"),
        (r"-\frac{3}{4}", "-3/4"),
        (r"10{,}000", "10000"),
        (r"\$5.00", "5"),
        (r"90^\circ", "90"),
        (r"12\text{ cm}^2", "12"),
        (r"50\%", "50"),
        (r"x = 7", "7"),
        (r"\left( 3, \infty \right)", r"(3,\infty)"),
        (r"\text{Monday}", "Monday"),
        (r"\sqrt8", r"2\sqrt{2}"),
        ("(x+1)^2", "x^2+2x+1"),
        (r"\{2,1\}", r"\{1,2\}"),
        ("1.0472", r"\frac{\pi}{3}"),
        ("0.3333", r"\frac{1}{3}"),
        (r"2\pi r", r"2r \pi"),
        (r"3 \cdot\, x", "x+2x"),
        (r"10,\!080", "10080"),
        (
            r"\begin{pmatrix} 1/2 \\ -3 \end{pmatrix}",
            r"\begin{pmatrix} \frac{2}{4} \\ -\sqrt{9} \end{pmatrix}",
        ),
    ],
)
def test_mathematically_equal_answers_are_correct(given: str, answer: str) -> None:
    assert judged(rf"\boxed{{{given}}}", answer, grader="math").grade == "correct"


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("2001", "2000"),
        ("0.34", r"\frac{1}{3}"),
        ("(1,2)", "(2,1)"),
        ("x^2+1", "(x+1)^2"),
        (r"\text{Monday}", r"\text{Tuesday}"),
        (r"\sqrt{8}", "3"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"),
    ],
)
def test_mathematically_different_answers_are_incorrect(given: str, answer: str) -> None:
    assert judged(rf"\boxed{{{given}}}", answer, grader="math").grade == "incorrect"


def test_the_tolerance_is_a_setting() -> None:
    assert judged(r"\boxed{0.34}", "1/3", grader="math", tolerance=0.05).grade == "correct"


def test_equal_answers_are_parsed_equal_whatever_their_form() -> None:
    texts = (r"\boxed{\frac12}", r"\boxed{0.50}", "The answer is $1/2$.")
    items = [Item(text, "3", "stop") for text in texts]
    assert {v.parsed for v in grade_all(items, Grading(grader="math"))} == {"0.5"}


def test_cut_off_completions_are_invalid_unless_they_are_to_be_graded() -> None:
    text = "The answer is 7"
    assert judged(text, "7", grader="number", finish_reason="length") == Verdict("invalid", None)
    kept = judged(text, "7", grader="number", finish_reason="length", cut_off="graded")
    assert kept.grade == "correct"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>a</think> <answer>7</answer>", 1.1),
        ("<answer>7</answer>", 0.9),
        ("<think>a</think><answer>8</answer>", 0.1),
        ("<think>a</think><answer>8</answer> and more", -0.1),
        ("<think>a</think><think>b</think><answer>8</answer>", -0.1),
    ],
)
def test_accuracy_and_format_make_the_four_rewards_of_the_paper(text: str, expected: float) -> None:
    verdict = judged(text, "7", grader="math", format="think_answer")
    rewards = Rewards(correct=1, incorrect=0, invalid=0, format=0.1)
    given = reward(verdict.grade, rewards, well_formed=verdict.well_formed)
    assert given == pytest.approx(expected)


def test_without_an_asked_form_the_format_reward_is_not_paid() -> None:
    verdict = judged("7", "7")
    assert reward(verdict.grade, Rewards(format=0.5), well_formed=verdict.well_formed) == 1
