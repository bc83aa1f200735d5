"""LoRA and activations computed again: what learns, what is kept, what is saved."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from algorithms.base import Stopped
from algorithms.settings import LLMSettings
from algorithms.training import lora
from algorithms.training.logprobs import token_logprobs
from algorithms.training.policy import load_policy
from algorithms.training.preparation import prepare_training
from tests.algorithms.training.models import build, gradient, sequences
from tests.algorithms.training.world import Recorder, World, train_spec

LORA = LLMSettings(lora_rank=3, lora_alpha=6)


def step(model: Any) -> None:
    """Take one large step of gradient descent on what learns."""
    token_logprobs(model, sequences()).sum().neg().backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight.sub_(weight.grad, alpha=0.01)
    model.zero_grad()


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_new_adapters_change_nothing_and_only_they_learn(kind: str) -> None:
    model, rows = build(kind), sequences()
    before = token_logprobs(model, rows).detach()
    prepare_training(model, LORA)
    assert torch.equal(token_logprobs(model, rows), before)
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning
    assert all(".lora_A." in name or ".lora_B." in name for name in learning)
    frozen = {n: w.detach().clone() for n, w in model.named_parameters() if n not in learning}
    step(model)
    step(model)
    assert not torch.allclose(token_logprobs(model, rows), before)
    assert all(torch.equal(w, frozen[n]) for n, w in model.named_parameters() if n in frozen)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_merged_weights_are_a_plain_model_that_says_the_same(kind: str, tmp_path: Path) -> None:
    model, rows = build(kind), sequences()
    prepare_training(model, LORA)
    step(model)
    step(model)
    merged = build(kind)
    assert set(lora.merged_weights(model)) == set(merged.state_dict())
    merged.load_state_dict(lora.merged_weights(model))
    found, expected = token_logprobs(merged, rows), token_logprobs(model, rows)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert lora.has_adapters(model)
    assert not lora.has_adapters(merged)
    model.save_pretrained(tmp_path, state_dict=lora.merged_weights(model))
    saved = type(merged).from_pretrained(tmp_path).eval()
    assert torch.equal(token_logprobs(saved, rows), found)


def test_the_adapters_are_scaled_by_alpha_over_rank() -> None:
    model = build("llama")
    prepare_training(model, LORA)
    name = "model.layers.0.mlp.up_proj"
    layer = model.get_submodule(name)
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    with torch.no_grad():
        b.fill_(0.5)
    expected = layer.base_layer.weight + 6 / 3 * b @ a
    torch.testing.assert_close(lora.merged_weights(model)[f"{name}.weight"], expected)


@pytest.mark.parametrize("shared", [False, True])
def test_activations_computed_again_give_the_same_gradient(*, shared: bool) -> None:
    rows, model, lean = sequences(), build("llama"), build("llama")
    prepare_training(lean, LLMSettings(gradient_checkpointing=True))
    expected = gradient(model, token_logprobs(model, rows, share_prompts=shared).square().sum())
    found = gradient(lean, token_logprobs(lean, rows, share_prompts=shared).square().sum())
    assert torch.equal(found, expected)


def test_activations_computed_again_are_not_kept() -> None:
    kept = {}
    for checkpointing in (False, True):
        model = build("llama")
        prepare_training(model, LLMSettings(gradient_checkpointing=checkpointing))
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            token_logprobs(model, sequences())
        kept[checkpointing] = sum(sizes)
    assert kept[True] < 0.5 * kept[False]


def test_a_lora_training_saves_a_plain_policy_and_checkpoints_adapters_only(world: World) -> None:
    spec = train_spec(lora_rank=2, gradient_checkpointing=True)
    with pytest.raises(Stopped):
        world.train("adapted", spec, reporter=Recorder(stop_after=3))
    [checkpoint, *_] = sorted((world.folder / "adapted.checkpoints").glob("step-*"))
    saved = load_file(checkpoint / "model.safetensors")
    assert saved
    assert all(".lora_" in name for name in saved)


def test_a_resumed_lora_training_ends_in_the_same_policy(world: World) -> None:
    spec = train_spec(lora_rank=2)
    world.train("whole", spec)
    with pytest.raises(Stopped):
        world.train("parts", spec, reporter=Recorder(stop_after=3))
    for leftover in (world.folder / "parts").iterdir():
        leftover.unlink()
    (world.folder / "parts").rmdir()
    world.train("parts", spec)
    whole, parts, start = (weights(world.folder / n) for n in ("whole", "parts", "policy"))
    assert whole.keys() == parts.keys() == start.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert any(not torch.equal(whole[name], start[name]) for name in whole)
    load_policy(world.folder / "whole", torch.device("cpu"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")
