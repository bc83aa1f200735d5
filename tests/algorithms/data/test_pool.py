"""Hostile completions cost one invalid grade each, and nothing else."""

import time

import psutil
import pytest

from algorithms.asking import Grading
from algorithms.base import Stopped
from algorithms.data.graders.pool import Answer, Pool, Question
from algorithms.data.grading import Item, grade_all

GRADING = Grading(grader="math", time_limit_s=1.0)
NESTED = "{" * 50 + "1" + "}" * 50
TOWER = "10^{10^{10^9}}"


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_a_hostile_completion_is_invalid_and_its_neighbours_keep_their_grades() -> None:
    before = children()
    hostile = [
        rf"\boxed{{{NESTED}}}",
        rf"\boxed{{{TOWER}}}",
        "\\boxed{1\x002}",
        "\\boxed{" * 100_000,
        "x" * 10**6 + r"\boxed{" + "\\frac{" * 100_000,
        "the answer is " * 70_000,
    ]
    items = [Item(text, "3", "stop") for text in hostile]
    items[1:1] = [Item(r"\boxed{x^2+2x+1}", "(x+1)^2", "stop")]
    items.append(Item(r"\boxed{(y-1)^2}", "y^2-2y+1", "stop"))
    grades = [verdict.grade for verdict in grade_all(items, GRADING, processes=2)]
    assert grades == ["invalid", "correct", *["invalid"] * 5, "correct"]
    assert children() <= before


def test_a_process_has_no_more_memory_than_it_is_given() -> None:
    with Pool(1, time_limit_s=5, memory_bytes=2**25) as pool, pytest.raises(RuntimeError):
        pool.ask([Question("2x", "x+x", 0)])
    with Pool(1, time_limit_s=5, memory_bytes=2**28) as pool:
        assert pool.ask([Question("2x", "x+x", 0)]) == [Answer(True, "2*x")]


def test_answers_do_not_depend_on_the_number_of_processes() -> None:
    questions = [Question(f"x+{n}", f"{n % 3}+x", 0.0) for n in range(30)]
    with Pool(1, 5) as one, Pool(3, 5) as three:
        assert one.ask(questions) == three.ask(questions)


def test_grading_can_be_stopped_while_a_comparison_hangs() -> None:
    before = children()
    asked = 0

    def stop(_done: int) -> None:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        grade_all(
            [Item(rf"\boxed{{{NESTED}}}", "3", "stop")],
            Grading(grader="math", time_limit_s=60),
            on_progress=stop,
        )
    assert children() <= before


def test_the_same_comparison_is_made_once() -> None:
    item = Item(rf"\boxed{{{NESTED}}}", "3", "stop")
    started = time.monotonic()
    assert {v.grade for v in grade_all([item] * 20, GRADING, processes=1)} == {"invalid"}
    assert time.monotonic() - started < 10


def test_progress_reaches_the_number_of_completions() -> None:
    seen: list[int] = []
    grade_all([Item("1", "1", "stop")] * 700, Grading(), on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 700


def test_a_process_without_its_parent_ends_by_itself() -> None:
    pool = Pool(1, time_limit_s=1.0)
    pool.ask([Question("2x", "x+x", 0)])
    (worker,) = pool._workers  # the test plays the parent that dies
    assert worker.process.stdin is not None
    worker.process.stdin.write(f'["{NESTED}", "3", 0]\n'.encode())
    worker.process.stdin.close()
    assert worker.process.wait(timeout=20) != 0
    assert worker.process.stdout is not None
    worker.process.stdout.close()
