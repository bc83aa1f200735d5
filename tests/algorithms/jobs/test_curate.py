"""Curate jobs: the rows and columns of the file, byte by byte; what is refused."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algorithms.base import CorruptArtifactError, Stopped, UserError
from algorithms.curation.columns import load_columns
from algorithms.curation.pipeline import curate
from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import as_summary, compose
from algorithms.data.tables import GRADED
from tests.algorithms.training.world import Recorder, World, train_spec

UNIFORM = {"op": "uniform", "size": 40}


def spec(*steps: dict[str, object], seed: int = 0) -> CurateSpec:
    return CurateSpec.model_validate({"steps": steps, "seed": seed})


def table(world: World, name: str) -> pa.Table:
    return pq.read_table(world.folder / name / "rollouts.parquet")


def sha256(world: World, name: str) -> str:
    content = (world.folder / name / "rollouts.parquet").read_bytes()
    return hashlib.sha256(content).hexdigest()


def test_equal_steps_seed_and_input_give_the_same_bytes(world: World) -> None:
    ak = {"op": "anna_karenina", "size": 50}
    for name, asked in {
        "one": spec(ak),
        "two": CurateSpec.model_validate(json.loads(spec(ak).model_dump_json())),
        "other seed": spec(ak, seed=1),
    }.items():
        world.run(name, "curate", asked, rollouts="graded")
    assert sha256(world, "one") == sha256(world, "two")
    assert sha256(world, "one") != sha256(world, "other seed")


def test_the_kept_rows_are_whole_and_in_their_order(world: World) -> None:
    world.run("curated", "curate", spec(UNIFORM), rollouts="graded")
    source, curated = table(world, "graded"), table(world, "curated")
    assert curated.schema.equals(GRADED)
    rows = curate(load_columns(world.folder / "graded" / "rollouts.parquet"), spec(UNIFORM)).rows
    assert curated.equals(source.take(pa.array(rows)))


def test_the_summary_is_the_composition_of_what_was_written(world: World) -> None:
    summary = world.run("curated", "curate", spec(UNIFORM), rollouts="graded")
    written = load_columns(world.folder / "curated" / "rollouts.parquet")
    assert summary == as_summary(compose(written, written.all_rows))
    assert summary["completions"] == 40


def test_curated_rollouts_can_be_curated_and_trained_on(world: World) -> None:
    world.run("positives", "curate", spec({"op": "positives"}), rollouts="graded")
    world.run("fewer", "curate", spec({"op": "uniform", "size": 20}), rollouts="positives")
    assert table(world, "fewer")["grade"].unique().to_pylist() == ["correct"]
    summary = world.train("trained", train_spec("reinforce"), rollouts="fewer")
    assert summary["steps"] == 6


def test_pairs_are_numbered_in_a_column_of_their_own(world: World) -> None:
    summary = world.run("paired", "curate", spec({"op": "pairs"}), rollouts="graded")
    paired = table(world, "paired")
    assert paired.schema.field("pair").type == pa.int32()
    assert summary["pairs"] == paired.num_rows // 2
    for pair in range(int(summary["pairs"])):
        rows = [row for row in paired.to_pylist() if row["pair"] == pair]
        assert len({row["prompt_id"] for row in rows}) == 1
        assert sorted(row["grade"] for row in rows) == ["correct", "incorrect"]


def test_curating_pairs_again_drops_their_numbers(world: World) -> None:
    world.run("paired", "curate", spec({"op": "pairs"}), rollouts="graded")
    world.run("some", "curate", spec({"op": "uniform", "size": 5}), rollouts="paired")
    assert "pair" not in table(world, "some").column_names


def test_columns_that_curation_does_not_know_are_kept(world: World) -> None:
    path = world.folder / "graded" / "rollouts.parquet"
    numbered = pq.read_table(path).append_column("number", pa.array(range(160)))
    (world.folder / "more").mkdir()
    pq.write_table(numbered, world.folder / "more" / "rollouts.parquet", row_group_size=7)
    world.run("curated", "curate", spec({"op": "positives"}), rollouts="more")
    assert table(world, "curated")["number"].to_pylist() == list(range(0, 160, 3))


def test_a_warning_is_logged_and_kept(world: World) -> None:
    reporter = Recorder()
    asked = spec({"op": "anna_karenina", "size": 10_000})
    summary = world.run("ak", "curate", asked, rollouts="graded", reporter=reporter)
    assert "of 10,000 completions" in str(summary["warning"])
    assert f"warning: {summary['warning']}" in reporter.messages


def test_what_cannot_be_done_is_told(world: World) -> None:
    with pytest.raises(UserError, match="160 reach this step"):
        world.run("a", "curate", spec({"op": "uniform", "size": 161}), rollouts="graded")
    with pytest.raises(UserError, match="not graded yet"):
        world.run("b", "curate", spec(), rollouts="rollouts")
    (world.folder / "empty").mkdir()
    pq.write_table(GRADED.empty_table(), world.folder / "empty" / "rollouts.parquet")
    with pytest.raises(UserError, match="0 completions"):
        world.run("c", "curate", spec(), rollouts="empty")
    (world.folder / "broken").mkdir()
    (world.folder / "broken" / "rollouts.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(CorruptArtifactError, match="Compute the artifact again"):
        world.run("d", "curate", spec(), rollouts="broken")


def test_curation_stops_when_it_is_asked_to(world: World) -> None:
    with pytest.raises(Stopped):
        world.run("x", "curate", spec(), rollouts="graded", reporter=Recorder(stop_after=0))
