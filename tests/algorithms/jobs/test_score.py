"""Score jobs: the training stack's word on rollouts that someone else sampled."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algorithms.base import Stopped, UserError
from algorithms.data.tables import ROLLOUTS
from algorithms.jobs.score import check_fit
from algorithms.sources import TinyLlama
from algorithms.specs import PolicySpec, ScoreSpec
from algorithms.training.behaviour import GAP_FILE, LogprobGap
from tests.algorithms.training.world import GENERATE, Recorder, World


def rows(world: World, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        world.folder / name / "rollouts.parquet"
    ).to_pylist()
    return found


def with_logprobs(world: World, name: str, change: float) -> None:
    """Keep the world's rollouts under a name with every stored log-probability changed."""
    table = pq.read_table(world.folder / "rollouts" / "rollouts.parquet")
    values = [[value + change for value in row] for row in table["logprobs"].to_pylist()]
    place = table.schema.get_field_index("logprobs")
    column = pa.array(values, table.schema.field(place).type)
    (world.folder / name).mkdir()
    table = table.set_column(place, "logprobs", column)
    pq.write_table(table, world.folder / name / "rollouts.parquet")


def test_scoring_with_the_same_policy_gives_the_same_bits(world: World) -> None:
    summary = world.run("s", "score", ScoreSpec(), rollouts="rollouts", policy="policy")
    before, after = rows(world, "rollouts"), rows(world, "s")
    assert [row["logprobs"] for row in after] == [row["logprobs"] for row in before]
    assert summary["logprob_gap_max"] == 0
    assert summary["completions"] == len(before) == 160


def test_the_gap_is_between_what_was_stored_and_what_training_computes(world: World) -> None:
    with_logprobs(world, "theirs", 0.25)
    summary = world.run("s", "score", ScoreSpec(), rollouts="theirs", policy="policy")
    for row, theirs, ours in zip(
        rows(world, "s"), rows(world, "theirs"), rows(world, "rollouts"), strict=True
    ):
        assert row["logprobs"] == ours["logprobs"]
        assert row["engine_logprobs"] == theirs["logprobs"]
    assert summary["logprob_gap_mean"] == pytest.approx(0.25, abs=1e-6)
    assert summary["logprob_gap_p50"] == pytest.approx(0.25, abs=1e-6)
    assert summary["logprob_gap_share_large"] == 1
    written = json.loads((world.folder / "s" / GAP_FILE).read_text())
    [bin_] = np.flatnonzero(written["counts"])
    assert written["edges"][bin_] <= 0.25 < written["edges"][bin_ + 1]
    assert written["counts"][bin_] == summary["tokens"]


def test_what_the_engine_said_is_kept_when_rollouts_are_scored_again(world: World) -> None:
    with_logprobs(world, "theirs", 0.25)
    world.run("s", "score", ScoreSpec(), rollouts="theirs", policy="policy")
    world.run("t", "score", ScoreSpec(), rollouts="s", policy="policy")
    assert rows(world, "t") == rows(world, "s")


def test_grades_and_rewards_are_kept(world: World) -> None:
    world.run("s", "score", ScoreSpec(), rollouts="graded", policy="policy")
    kept = [(row["grade"], row["reward"]) for row in rows(world, "s")]
    assert kept == [(row["grade"], row["reward"]) for row in rows(world, "graded")]


def test_pairs_are_kept_where_that_is_asked_for(world: World) -> None:
    table = pq.read_table(world.folder / "graded" / "rollouts.parquet")
    pairs = pa.array([None if n % 5 == 4 else n // 2 for n in range(table.num_rows)], pa.int32())
    (world.folder / "paired").mkdir()
    pq.write_table(table.append_column("pair", pairs), world.folder / "paired" / "rollouts.parquet")
    spec = ScoreSpec(further_columns=True)
    world.run("s", "score", spec, rollouts="paired", policy="policy")
    world.run("t", "score", ScoreSpec(), rollouts="paired", policy="policy")
    assert [row["pair"] for row in rows(world, "s")] == pairs.to_pylist()
    assert "pair" not in rows(world, "t")[0]
    bare = [{k: v for k, v in row.items() if k != "pair"} for row in rows(world, "s")]
    assert bare == rows(world, "t")
    assert pq.read_schema(world.folder / "s" / "rollouts.parquet").field("pair").type == pa.int32()


def test_scoring_without_further_columns_is_the_job_it_always_was() -> None:
    assert set(ScoreSpec().model_dump()) == {"batch_size", "precision"}
    assert ScoreSpec(further_columns=True).model_dump()["further_columns"] is True


def test_the_bins_hold_every_token_the_farthest_included() -> None:
    gap = LogprobGap.between([[0.0, -1.0], None, [-50.0]], [[-0.5, -1.0], [-9.0], [-1.0]])
    assert gap is not None
    assert (gap.tokens, sum(gap.counts), gap.counts[0], gap.counts[-1]) == (3, 3, 1, 1)
    assert gap.mean == pytest.approx(49.5 / 3)
    assert (gap.p50, gap.max) == (0.5, 49)
    assert gap.share_large == pytest.approx(2 / 3)
    assert LogprobGap.between([None], [[-1.0]]) is None


def test_another_tokenizer_or_a_shorter_model_is_refused(world: World) -> None:
    small = TinyLlama(hidden_size=8, layers=1, heads=1, intermediate_size=8, characters="01")
    world.run("few", "policy", PolicySpec(source=small))
    with pytest.raises(UserError, match="written with another tokenizer"):
        world.run("t", "score", ScoreSpec(), rollouts="rollouts", policy="few")
    with pytest.raises(UserError, match="has 9 tokens and the policy reads 8"):
        check_fit(8, 15, [[1, 2], [1] * 5], [[3], [3] * 4])


def test_nothing_to_score_and_a_wish_to_stop_are_said(world: World) -> None:
    (world.folder / "empty").mkdir()
    pq.write_table(ROLLOUTS.empty_table(), world.folder / "empty" / "rollouts.parquet")
    with pytest.raises(UserError, match="0 completions"):
        world.run("s", "score", ScoreSpec(), rollouts="empty", policy="policy")
    inputs = {"rollouts": "rollouts", "policy": "policy"}
    with pytest.raises(Stopped):
        world.run("t", "score", ScoreSpec(), reporter=Recorder(stop_after=0), **inputs)


def test_rollouts_sampled_in_bfloat16_carry_their_gap(world: World) -> None:
    spec = GENERATE.model_copy(update={"precision": "bfloat16", "prompts": 10})
    summary = world.run("rounded", "generate", spec, policy="policy", dataset="dataset")
    assert 0 < float(summary["logprob_gap_mean"]) < 0.05
    assert all(row["engine_logprobs"] for row in rows(world, "rounded"))
    assert (world.folder / "rounded" / GAP_FILE).is_file()
    assert not (world.folder / "rollouts" / GAP_FILE).exists()
