"""A policy in memory: its tokenizer, its end, and what it refuses to load."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from algorithms.base import CorruptArtifactError, UserError
from algorithms.sources import TinyLlama
from algorithms.training import tiny
from algorithms.training.policy import Policy, load_policy
from tests.algorithms.training.world import World

CPU = torch.device("cpu")


def test_characters_are_tokens_and_an_answer_ends(policy: Policy) -> None:
    [prompt] = policy.encode_prompts(["12+34="])
    [answer] = policy.encode_answers(["46"])
    assert len(prompt) == 6
    assert answer[-1] in policy.end_tokens
    assert policy.decode(answer) == "46"


def test_special_tokens_inside_a_completion_stay_visible(policy: Policy) -> None:
    four, six, end = policy.encode_answers(["46"])[0]
    assert policy.decode([four, 0, six, end]) == "4<pad>6"
    assert policy.decode([end, four, end]) == "<eos>4"


def test_characters_that_the_tokenizer_does_not_know_are_named(policy: Policy) -> None:
    with pytest.raises(UserError, match=r"does not know every character of '1 \+ 1'"):
        policy.encode_prompts(["1+1=", "1 + 1"])


def test_a_prompt_without_tokens_is_refused(policy: Policy) -> None:
    with pytest.raises(UserError, match="has no tokens"):
        policy.encode_prompts([""])


def test_saved_and_loaded_again_it_computes_the_same(policy: Policy, tmp_path: Path) -> None:
    policy.save(tmp_path)
    ids = torch.tensor([[3, 4, 5]])
    again = load_policy(tmp_path, CPU)
    assert torch.equal(again.model(ids).logits, policy.model(ids).logits)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        tiny.build(
            TinyLlama(hidden_size=16, layers=1, heads=1, intermediate_size=16, seed=seed),
            tmp_path / name,
        )
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_heads_must_divide_the_width(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="5 heads do not divide a width of 128"):
        tiny.build(TinyLlama(heads=5), tmp_path)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_with_a_file_missing_is_corrupt(
    shared_world: World, tmp_path: Path, missing: str
) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(shared_world.folder / "policy", folder)
    (folder / missing).unlink()
    with pytest.raises(CorruptArtifactError, match="cannot be loaded"):
        load_policy(folder, CPU)


def test_truncated_weights_are_corrupt(shared_world: World, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(shared_world.folder / "policy", folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptArtifactError, match="cannot be loaded"):
        load_policy(folder, CPU)


def test_a_model_without_an_end_token_says_what_to_set(shared_world: World, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(shared_world.folder / "policy", folder)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(
            json.dumps({k: None if k.startswith("eos_token") else v for k, v in values.items()})
        )
    with pytest.raises(UserError, match=r"Set eos_token_id in its generation_config\.json"):
        load_policy(folder, CPU)
