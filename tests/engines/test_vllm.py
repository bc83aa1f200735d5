"""vLLM for real: the same artifact as by transformers, to the token, by the same seed."""

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from algorithms.asking import Sampling, VLLMSettings
from algorithms.base import Summary
from algorithms.data.tables import ROLLOUTS
from algorithms.specs import GenerateSpec, ScoreSpec
from algorithms.training.behaviour import GAP_FILE
from algorithms.training.policy import Policy
from tests.algorithms.training.world import Recorder, World

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(600)]

PROMPTS, COMPLETIONS, LONGEST = 12, 8, 12
STOP = "7"
SPEC = GenerateSpec(
    engine="vllm",
    prompts=PROMPTS,
    completions=COMPLETIONS,
    sampling=Sampling(max_new_tokens=LONGEST, stop=(STOP,)),
    vllm=VLLMSettings(enforce_eager=True),
)
Made = tuple[list[dict[str, Any]], Summary, Recorder]


def rows(world: World, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        world.folder / name / "rollouts.parquet"
    ).to_pylist()
    return found


@pytest.fixture(scope="module")
def made(shared_world: World) -> Made:
    """Return rollouts by vLLM, made once; their artifact is called vllm."""
    reporter = Recorder()
    inputs = {"policy": "policy", "dataset": "dataset"}
    summary = shared_world.run("vllm", "generate", SPEC, reporter=reporter, **inputs)
    return rows(shared_world, "vllm"), summary, reporter


def test_the_artifact_has_the_columns_and_order_of_any_engines(
    made: Made, shared_world: World
) -> None:
    path = shared_world.folder / "vllm" / "rollouts.parquet"
    assert pq.read_schema(path).equals(ROLLOUTS)
    expected = [(f"train-{n}", sample) for n in range(PROMPTS) for sample in range(COMPLETIONS)]
    assert [(row["prompt_id"], row["sample"]) for row in made[0]] == expected


def test_every_token_is_there_the_end_and_those_of_a_stop_text_included(
    made: Made, policy: Policy
) -> None:
    ended = {"token": 0, "text": 0, "length": 0}
    for row in made[0]:
        tokens = row["tokens"]
        whole = policy.decode(tokens)
        assert len(tokens) == len(row["logprobs"]) == len(row["engine_logprobs"]) > 0
        assert not any(token in policy.end_tokens for token in tokens[:-1])
        assert row["completion"] == whole.partition(STOP)[0]
        if tokens[-1] in policy.end_tokens:
            ended["token"] += 1
            assert row["finish_reason"] == "stop"
            assert STOP not in whole
        elif STOP in whole:
            ended["text"] += 1
            assert row["finish_reason"] == "stop"
            assert whole.endswith(STOP)
            assert whole.count(STOP) == 1
        else:
            ended["length"] += 1
            assert (row["finish_reason"], len(tokens)) == ("length", LONGEST)
    assert all(ended.values())


def test_sampled_text_has_the_sampled_tokens_or_the_summary_says_how_rarely(
    made: Made, policy: Policy
) -> None:
    def has_its_tokens(tokens: list[int]) -> bool:
        ended = tokens[-1] in policy.end_tokens
        again = policy.tokenizer(policy.decode(tokens), add_special_tokens=False)["input_ids"]
        return [*again, *([tokens[-1]] if ended else [])] == tokens

    share = sum(has_its_tokens(row["tokens"]) for row in made[0]) / len(made[0])
    assert made[1]["retokenised_share"] == share > 0.5


def test_engine_and_trainer_agree_in_float32_and_the_gap_is_written_down(
    made: Made, shared_world: World
) -> None:
    off = [
        abs(theirs - ours)
        for row in made[0]
        for theirs, ours in zip(row["engine_logprobs"], row["logprobs"], strict=True)
    ]
    assert 0 < max(off) < 1e-4
    assert made[1]["logprob_gap_max"] == pytest.approx(max(off))
    assert made[1]["logprob_gap_mean"] == pytest.approx(sum(off) / len(off))
    written = json.loads((shared_world.folder / "vllm" / GAP_FILE).read_text())
    assert sum(written["counts"]) == written["tokens"] == len(off)


def test_the_stored_logprobs_are_those_of_training_to_the_bit(made: Made, world: World) -> None:
    world.run("again", "score", ScoreSpec(batch_size=7), rollouts="vllm", policy="policy")
    assert [row["logprobs"] for row in rows(world, "again")] == [r["logprobs"] for r in made[0]]


def test_its_start_and_version_are_in_the_log(made: Made) -> None:
    assert any("vLLM 0." in line and "started in" in line for line in made[2].messages)
    assert made[2].done[-1] == (96, 96, "completions")


def test_the_same_seed_gives_the_same_completions_on_two_copies_of_the_model_in_small_batches(
    made: Made, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Prompts that do not fit into a batch must wait for the next one, not be cut in two.
    monkeypatch.setattr("algorithms.training.vllm_engines.CPU_BATCH_TOKENS", 32)
    spec = SPEC.model_copy(update={"vllm": SPEC.vllm.model_copy(update={"data_parallel": 2})})
    world.run("two", "generate", spec, policy="policy", dataset="dataset")
    assert [row["tokens"] for row in rows(world, "two")] == [row["tokens"] for row in made[0]]


def test_samples_of_a_prompt_differ(made: Made) -> None:
    distinct = {(row["prompt_id"], tuple(row["tokens"])) for row in made[0]}
    assert len(distinct) > 0.7 * len(made[0])
