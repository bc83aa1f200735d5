"""Generate and grade jobs: the columns, their order, their counts."""

import pyarrow.parquet as pq
import pytest

from algorithms.asking import Grading, Rewards, Sampling
from algorithms.base import CorruptArtifactError, Stopped, UserError
from algorithms.data.tables import GRADED, ROLLOUTS
from algorithms.specs import GenerateSpec, GradeSpec
from tests.algorithms.training.world import GENERATE, Recorder, World


def rows(world: World, name: str) -> list[dict[str, object]]:
    table = pq.read_table(world.folder / name / "rollouts.parquet")
    found: list[dict[str, object]] = table.to_pylist()
    return found


def test_rollouts_have_the_declared_columns_ordered_by_prompt_and_sample(world: World) -> None:
    assert pq.read_schema(world.folder / "rollouts" / "rollouts.parquet").equals(ROLLOUTS)
    expected = [(f"train-{n}", sample) for n in range(40) for sample in range(4)]
    assert [(row["prompt_id"], row["sample"]) for row in rows(world, "rollouts")] == expected


def test_each_token_has_a_logprob_and_the_end_is_a_token(world: World) -> None:
    for row in rows(world, "rollouts"):
        tokens, logprobs = row["tokens"], row["logprobs"]
        assert isinstance(tokens, list)
        assert isinstance(logprobs, list)
        assert len(tokens) == len(logprobs) > 0
        assert all(value < 0 for value in logprobs)
        assert (tokens[-1] == 1) == (row["finish_reason"] == "stop")


def test_rollouts_do_not_depend_on_the_batch_size(world: World) -> None:
    spec = GENERATE.model_copy(update={"batch_size": 7})
    world.run("again", "generate", spec, policy="policy", dataset="dataset")
    assert rows(world, "again") == rows(world, "rollouts")


def test_the_summary_counts_what_is_there(world: World) -> None:
    reporter = Recorder()
    spec = GENERATE.model_copy(update={"prompts": 10, "completions": 3, "seed": 1})
    summary = world.run(
        "few", "generate", spec, policy="policy", dataset="dataset", reporter=reporter
    )
    made = rows(world, "few")
    assert summary["completions"] == len(made) == 30
    assert summary["tokens"] == sum(len(list(row["tokens"])) for row in made)  # type: ignore[call-overload, misc]
    stopped = sum(row["finish_reason"] == "stop" for row in made)
    assert summary["stop_share"] == pytest.approx(stopped / 30)
    assert float(summary["tokens_per_s"]) > 0
    assert int(summary["peak_memory_bytes"]) > 10**8
    assert reporter.done[-1] == (30, 30, "completions")


def test_a_split_without_rows_names_those_there_are(world: World) -> None:
    spec = GenerateSpec(split="validation")
    with pytest.raises(UserError, match=r"train \(40 rows\), test \(12 rows\)"):
        world.run("none", "generate", spec, policy="policy", dataset="dataset")


def test_generation_stops_when_it_is_asked_to(world: World) -> None:
    with pytest.raises(Stopped):
        world.run(
            "x",
            "generate",
            GENERATE,
            policy="policy",
            dataset="dataset",
            reporter=Recorder(stop_after=2),
        )


def test_grades_and_rewards_are_added_to_the_same_rows(world: World) -> None:
    spec = GradeSpec(rewards=Rewards(correct=1, incorrect=-0.5, invalid=-2))
    summary = world.run("judged", "grade", spec, rollouts="rollouts")
    assert pq.read_schema(world.folder / "judged" / "rollouts.parquet").equals(GRADED)
    judged = rows(world, "judged")
    added = {"grade", "reward", "parsed"}
    plain = [{k: v for k, v in row.items() if k not in added} for row in judged]
    assert plain == rows(world, "rollouts")
    grades = [row["grade"] for row in judged]
    assert {name: grades.count(name) for name in ("correct", "incorrect", "invalid")} == {
        name: summary[name] for name in ("correct", "incorrect", "invalid")
    }
    worth = {"correct": 1, "incorrect": -0.5, "invalid": -2}
    assert all(row["reward"] == worth[str(row["grade"])] for row in judged)
    assert summary["reward_mean"] == pytest.approx(sum(worth[str(g)] for g in grades) / 160)


def test_a_cut_off_completion_is_invalid(world: World) -> None:
    cut = GENERATE.model_copy(update={"sampling": Sampling(max_new_tokens=1), "completions": 8})
    world.run("cut", "generate", cut, policy="policy", dataset="dataset")
    for grader in ("integer", "exact"):
        grading = Grading.model_validate({"grader": grader})
        world.run(f"cut {grader}", "grade", GradeSpec(grading=grading), rollouts="cut")
        judged = rows(world, f"cut {grader}")
        assert any(row["finish_reason"] == "length" for row in judged)
        assert {row["grade"] for row in judged if row["finish_reason"] == "length"} == {"invalid"}


def test_a_truncated_artifact_is_recognised(world: World) -> None:
    source = world.folder / "rollouts" / "rollouts.parquet"
    (world.folder / "short").mkdir()
    (world.folder / "short" / "rollouts.parquet").write_bytes(source.read_bytes()[:-100])
    with pytest.raises(CorruptArtifactError, match="Compute the artifact again"):
        world.run("judged", "grade", GradeSpec(), rollouts="short")


def test_rollouts_without_a_row_have_nothing_to_grade(world: World) -> None:
    (world.folder / "empty").mkdir()
    pq.write_table(ROLLOUTS.empty_table(), world.folder / "empty" / "rollouts.parquet")
    with pytest.raises(UserError, match="0 completions"):
        world.run("judged", "grade", GradeSpec(), rollouts="empty")
