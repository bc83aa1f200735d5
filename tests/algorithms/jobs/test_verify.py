"""Verification: problems of judging, verdicts of a tiny policy, and weighing by them."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.tables import ROWS
from algorithms.specs import GenerateSpec, GradeSpec, TrainSpec
from algorithms.verification import VerifySpec, WeighSpec, verification_problem
from tests.algorithms.training.world import GENERATE, SAMPLING, SETTINGS, World

VERIFY = VerifySpec(template="{question}{solution}=", accept="1", reject="0")
"""Fits the characters of the tiny policy: 1+2=3= asks whether 3 is right."""
JUDGE = GenerateSpec(completions=3, sampling=SAMPLING, batch_size=64)


def rows(world: World, name: str, file: str = "rollouts.parquet") -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(world.folder / name / file).to_pylist()
    return found


def judge(world: World, problems: str, name: str) -> None:
    world.run(f"{name} said", "generate", JUDGE, policy="policy", dataset=problems)
    world.run(name, "grade", GradeSpec(), rollouts=f"{name} said")


def test_braces_of_question_and_solution_stay_as_they_are() -> None:
    text = verification_problem("{question} -> {solution}", "f({solution})", "{question}")
    assert text == "f({solution}) -> {question}"


def test_special_tokens_of_a_solution_are_left_out() -> None:
    text = verification_problem("{question}{solution}=", "1+2=", "3<pad><|im_end|>4<unk></s>")
    assert text == "1+2=34="


def test_every_solution_becomes_a_problem_with_its_verdict(world: World) -> None:
    summary = world.run("problems", "verify", VERIFY, rollouts="graded")
    solutions = rows(world, "graded")
    problems = rows(world, "problems", "rows.parquet")
    assert len(problems) == len(solutions) == summary["rows"] == summary["train"]
    for problem, solution in zip(problems, solutions, strict=True):
        assert problem["id"] == f"{solution['prompt_id']}#{solution['sample']}"
        read = re.sub("<...>", "", str(solution["completion"]))
        assert problem["prompt"] == f"{solution['prompt']}{read}="
        assert problem["answer"] == ("1" if solution["grade"] == "correct" else "0")
        assert problem["group"] == solution["prompt_id"]
    assert summary["to_accept"] == sum(one["grade"] == "correct" for one in solutions)
    assert float(summary["to_accept"]) + float(summary["to_reject"]) == len(solutions)


def test_the_problems_are_a_dataset_that_a_policy_can_be_asked_and_trained_on(
    world: World,
) -> None:
    world.run("problems", "verify", VERIFY, rollouts="graded")
    judge(world, "problems", "verdicts")
    verdicts = rows(world, "verdicts")
    assert len(verdicts) == 3 * len(rows(world, "graded"))
    for one in verdicts:
        agrees = one["parsed"] == one["answer"]
        assert one["reward"] == (1.0 if agrees else -1.0)
        assert one["grade"] == ("correct" if agrees else one["grade"])
    settings = SETTINGS.model_copy(update={"steps": 2, "evaluate_every": 0})
    spec = TrainSpec(
        algorithm="topr",
        params={},
        settings=settings,
        eval_split="train",
        sampling=SAMPLING,
        grading=Grading(),
    )
    summary = world.run(
        "verifier", "train", spec, policy="policy", rollouts="verdicts", eval_dataset="problems"
    )
    assert 0 <= float(summary["eval_greedy_accuracy"]) <= 1


def test_solutions_are_weighed_by_the_verdicts_on_them(world: World) -> None:
    world.run("problems", "verify", VERIFY, rollouts="graded")
    judge(world, "problems", "verdicts")
    _overwrite(world, "verdicts", accept=lambda solution: solution["grade"] == "correct")
    summary = world.run(
        "weighed", "weigh", WeighSpec(accept="1"), solutions="graded", verdicts="verdicts"
    )
    readable = _problems_with_a_correct_readable_answer(world)
    assert summary["verdict_accuracy"] == 1.0
    assert summary["verdict_invalid_share"] == 0.0
    assert summary["samples"] == GENERATE.completions
    expected = float(summary["weighted_at_n"]) - float(summary["maj_at_n"])
    assert summary["weighted_gain"] == pytest.approx(expected)
    assert summary["weighted_at_n"] == pytest.approx(len(readable) / int(summary["problems"]))


def _problems_with_a_correct_readable_answer(world: World) -> set[object]:
    return {
        one["prompt_id"]
        for one in rows(world, "graded")
        if one["grade"] == "correct" and one["parsed"] is not None
    }


def _overwrite(world: World, name: str, *, accept: object) -> None:
    """Let the verdicts on each solution all be what is asked for."""
    path = world.folder / name / "rollouts.parquet"
    table = pq.read_table(path)
    solutions = {f"{one['prompt_id']}#{one['sample']}": one for one in rows(world, "graded")}
    assert callable(accept)
    said = ["1" if accept(solutions[key]) else "0" for key in table["prompt_id"].to_pylist()]
    right = [word == answer for word, answer in zip(said, table["answer"].to_pylist(), strict=True)]
    for column, values in {
        "parsed": pa.array(said),
        "grade": pa.array(["correct" if one else "incorrect" for one in right]),
    }.items():
        table = table.set_column(table.schema.get_field_index(column), column, values)
    pq.write_table(table, path)


def test_a_solution_without_a_verdict_is_named(world: World) -> None:
    world.run("problems", "verify", VERIFY, rollouts="graded")
    judge(world, "problems", "verdicts")
    path = world.folder / "verdicts" / "rollouts.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(JUDGE.completions), path)
    with pytest.raises(UserError, match=r"Solution 0 of train-.* has no verdict"):
        world.run("weighed", "weigh", WeighSpec(), solutions="graded", verdicts="verdicts")


def test_a_verdict_without_a_solution_is_named(world: World, tmp_path: Path) -> None:
    world.run("problems", "verify", VERIFY, rollouts="graded")
    judge(world, "problems", "verdicts")
    path = tmp_path / "graded" / "rollouts.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(GENERATE.completions), path)
    with pytest.raises(UserError, match="4 verified solutions are not among the solutions"):
        world.run("weighed", "weigh", WeighSpec(), solutions="graded", verdicts="verdicts")


def test_the_problems_have_the_columns_of_a_dataset(world: World) -> None:
    world.run("problems", "verify", VERIFY, rollouts="graded")
    assert pq.read_schema(world.folder / "problems" / "rows.parquet").names == ROWS.names
