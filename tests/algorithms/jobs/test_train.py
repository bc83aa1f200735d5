"""A train job: what it refuses before it starts, and the folder that it leaves."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from algorithms.base import UserError
from algorithms.data.tables import GRADED
from algorithms.training.policy import load_policy
from tests.algorithms.training.world import World, regrade, train_spec


def test_the_artifact_is_a_policy_with_its_history(world: World) -> None:
    world.train("out", train_spec("topr"))
    policy = load_policy(world.folder / "out", torch.device("cpu"))
    assert policy.encode_prompts(["1+1="])
    history = json.loads((world.folder / "out" / "history.json").read_text())
    assert history["steps"] == 6
    suffixes = {path.suffix for path in (world.folder / "out").iterdir()}
    assert suffixes == {".json", ".safetensors", ".parquet"}


def test_a_trained_policy_can_be_trained_again_and_generate(world: World) -> None:
    world.train("first", train_spec("topr"))
    world.train("second", train_spec("positives"), policy="first")
    assert (world.folder / "second" / "model.safetensors").is_file()


def test_an_unknown_algorithm_names_those_there_are(world: World) -> None:
    with pytest.raises(UserError, match=r"no algorithm 'missing' on this worker.*topr"):
        world.train("out", train_spec("missing"))


def test_a_setting_out_of_range_is_named(world: World) -> None:
    spec = train_spec("topr").model_copy(update={"params": {"baseline": 7}})
    with pytest.raises(UserError, match="The setting baseline of Tapered Off-Policy REINFORCE"):
        world.train("out", spec)


@pytest.mark.parametrize(("algorithm", "role"), [("topr", "rollouts"), ("sft", "dataset")])
def test_an_algorithm_without_what_it_learns_from_says_so(
    world: World, algorithm: str, role: str
) -> None:
    with pytest.raises(UserError, match=f"was given no {role}"):
        world.run("out", "train", train_spec(algorithm), policy="policy", eval_dataset="dataset")


def test_no_completions_and_no_positives_are_counted(world: World, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pq.write_table(GRADED.empty_table(), tmp_path / "empty" / "rollouts.parquet")
    with pytest.raises(UserError, match="hold 0 completions"):
        world.train("out", train_spec("topr"), rollouts="empty")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "rollouts.parquet").write_bytes(
        (world.folder / "graded" / "rollouts.parquet").read_bytes()
    )
    regrade(world, "bad", every=0)
    with pytest.raises(UserError, match="0 have a reward above zero, 160 have not"):
        world.train("positives", train_spec("positives"), rollouts="bad")
    world.train("topr", train_spec("topr"), rollouts="bad")
    regrade(world, "bad", every=1)
    world.train("all good", train_spec("topr"), rollouts="bad")


def test_rollouts_of_another_vocabulary_are_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "foreign" / "rollouts.parquet"
    path.parent.mkdir()
    records = pq.read_table(world.folder / "graded" / "rollouts.parquet").to_pylist()
    records[3]["tokens"] = [900] * len(records[3]["tokens"])
    pq.write_table(GRADED.empty_table().from_pylist(records, schema=GRADED), path)
    with pytest.raises(UserError, match="the token 900, but the policy has 15 tokens"):
        world.train("out", train_spec("topr"), rollouts="foreign")


def test_a_split_to_evaluate_on_must_have_rows(world: World) -> None:
    spec = train_spec("topr").model_copy(update={"eval_split": "validation"})
    with pytest.raises(UserError, match="no rows in the split 'validation'"):
        world.train("out", spec)
