"""A mix job: several graded sets in one, and a training that tells them apart."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algorithms.base import UserError
from algorithms.curation.mixing import MixSpec
from algorithms.data.tables import GRADED
from algorithms.specs import GradeSpec
from tests.algorithms.training.world import GENERATE, Recorder, World, regrade, train_spec


@pytest.fixture
def sets(world: World) -> World:
    """A second set: other completions of the same problems, all of them good."""
    spec = GENERATE.model_copy(update={"seed": 1, "completions": 2})
    world.run("other rollouts", "generate", spec, policy="policy", dataset="dataset")
    world.run("other", "grade", GradeSpec(), rollouts="other rollouts")
    regrade(world, "other", every=1)
    return world


def rows(world: World, name: str) -> pa.Table:
    return pq.read_table(world.folder / name / "rollouts.parquet")


def mix(world: World, name: str, spec: MixSpec, source_2: str = "other") -> None:
    world.run(name, "mix", spec, source_1="graded", source_2=source_2)


def test_a_mixture_has_the_shares_and_says_which_set_each_completion_is_from(sets: World) -> None:
    mix(sets, "mixed", MixSpec(weights=(0.6, 0.4), size=50))
    table = rows(sets, "mixed")
    assert table.column_names == [*GRADED.names, "source"]
    source = table["source"].to_pylist()
    assert (source.count(1), source.count(2)) == (30, 20)
    own = {(row["prompt_id"], tuple(row["tokens"])) for row in rows(sets, "graded").to_pylist()}
    for row in table.to_pylist():
        if row["source"] == 1:
            assert (row["prompt_id"], tuple(row["tokens"])) in own


def test_completions_of_a_prompt_stand_together_and_are_counted_anew(sets: World) -> None:
    mix(sets, "mixed", MixSpec(weights=(1, 1), size=60))
    seen: dict[str, int] = {}
    previous = ""
    for row in rows(sets, "mixed").to_pylist():
        assert row["prompt_id"] == previous or row["prompt_id"] not in seen
        assert row["sample"] == seen.get(row["prompt_id"], 0)
        seen[row["prompt_id"]] = row["sample"] + 1
        previous = row["prompt_id"]


def test_equal_inputs_and_seed_give_equal_bytes(sets: World) -> None:
    digests = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        mix(sets, name, MixSpec(weights=(1, 1), size=40, seed=seed))
        content = (sets.folder / name / "rollouts.parquet").read_bytes()
        digests.append(hashlib.sha256(content).hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_a_share_that_cannot_be_met_says_how_many_there_are(sets: World) -> None:
    with pytest.raises(UserError, match=r"set 2 holds 80 completions.*asks for 90"):
        mix(sets, "mixed", MixSpec(weights=(1, 1), size=180))


def test_the_number_of_sets_is_that_of_the_weights(sets: World) -> None:
    with pytest.raises(UserError, match="3 weights for 2 sets"):
        mix(sets, "mixed", MixSpec(weights=(1, 1, 1), size=30))


def test_one_id_for_two_problems_becomes_two_ids(sets: World, tmp_path: Path) -> None:
    table = rows(sets, "other")
    place = table.column_names.index("prompt")
    asked = pa.array([f"{text} " for text in table["prompt"].to_pylist()])
    (sets.folder / "foreign").mkdir()
    pq.write_table(
        table.set_column(place, "prompt", asked), sets.folder / "foreign" / "rollouts.parquet"
    )
    mix(sets, "mixed", MixSpec(weights=(1, 1), size=40), source_2="foreign")
    ids = {(row["prompt_id"], row["prompt"]) for row in rows(sets, "mixed").to_pylist()}
    assert len({prompt_id for prompt_id, _ in ids}) == len(ids)
    assert all(prompt_id.startswith(("1/", "2/")) for prompt_id, _ in ids)


def test_a_training_logs_share_reward_and_ratios_of_each_set(sets: World) -> None:
    mix(sets, "mixed", MixSpec(weights=(0.75, 0.25), size=64))
    reporter = Recorder()
    sets.train("out", train_spec("topr"), reporter=reporter, rollouts="mixed")
    for step in range(6):
        logged = reporter.points[step]
        assert logged["source_1_share"] + logged["source_2_share"] == pytest.approx(1)
        whole = sum(logged[f"source_{n}_share"] * logged[f"source_{n}_reward"] for n in (1, 2))
        assert whole == pytest.approx(logged["reward_mean"])
        assert logged["source_2_reward"] == 1.0
        assert "source_3_share" not in logged
    # Before the first update the policy is the one that wrote both sets.
    first = reporter.points[0]
    for number in (1, 2):
        assert first[f"source_{number}_log_ratio"] == pytest.approx(0, abs=1e-6)
        assert first[f"source_{number}_weight"] == pytest.approx(1)
        assert first[f"source_{number}_kept_share"] == pytest.approx(1)


def test_without_a_mixture_nothing_is_told_by_set(world: World) -> None:
    reporter = Recorder()
    world.train("out", train_spec("topr"), reporter=reporter)
    assert not any(name.startswith("source_") for name in reporter.points[0])


def test_sets_of_before_there_were_engines_are_mixed_as_well(sets: World) -> None:
    path = sets.folder / "other" / "rollouts.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["engine_logprobs"]), path)
    mix(sets, "mixed", MixSpec(weights=(1, 1), size=20))
    assert rows(sets, "mixed")["engine_logprobs"].null_count == 20
