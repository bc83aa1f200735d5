"""The first batch that a training leaves for people to look at."""

from typing import Any

import pyarrow.parquet as pq

from algorithms.data.tables import FIRST_BATCH, FIRST_BATCH_FILE, ROLLOUTS_FILE
from tests.algorithms.training.world import SETTINGS, World, train_spec


def first_batch(world: World, name: str) -> list[dict[str, Any]]:
    path = world.folder / name / FIRST_BATCH_FILE
    return list(pq.read_table(path).cast(FIRST_BATCH).to_pylist())


def test_the_first_batch_is_the_rollouts_token_by_token(world: World) -> None:
    world.train("topr", train_spec("topr"))
    rows = first_batch(world, "topr")
    assert len(rows) == 8
    stored = pq.read_table(world.folder / "graded" / ROLLOUTS_FILE).to_pylist()
    known = {(row["prompt"], tuple(row["logprobs"])): row for row in stored}
    for row in rows:
        assert row["batch_size"] == SETTINGS.batch_size
        assert row["advantage"] == row["reward"]
        source = known["".join(row["prompt"]), tuple(row["logprobs"])]
        assert row["reward"] == source["reward"]
        assert len(row["completion"]) == len(source["tokens"])
        plain = [text for text in row["completion"] if not text.startswith("<")]
        assert all(text in source["completion"] for text in plain)


def test_groups_stand_together_with_their_advantages(world: World) -> None:
    world.train("grpo", train_spec("grpo"))
    rows = first_batch(world, "grpo")
    assert [row["unit"] for row in rows] == [0] * 4 + [1] * 4
    for unit in (0, 1):
        members = [row for row in rows if row["unit"] == unit]
        assert len({"".join(row["prompt"]) for row in members}) == 1
        assert abs(sum(row["advantage"] for row in members)) < 1e-4


def test_references_have_no_policy_that_wrote_them(world: World) -> None:
    world.run(
        "sft",
        "train",
        train_spec("sft"),
        policy="policy",
        dataset="dataset",
        eval_dataset="dataset",
    )
    rows = first_batch(world, "sft")
    assert all(set(row["logprobs"]) == {0.0} for row in rows)
    assert all(row["reward"] == 1 for row in rows)


def test_shared_prompts_make_batches_of_whole_prompts(world: World) -> None:
    world.train("topr", train_spec("topr", share_prompts=True))
    assert [row["unit"] for row in first_batch(world, "topr")] == [0] * 4 + [1] * 4
