"""Carrying an optimizer's state from one training to the next."""

from pathlib import Path

import pytest
import torch

from algorithms.base import Stopped, UserError
from algorithms.settings import LLMSettings
from algorithms.training.carried import read_optimizer, write_optimizer
from algorithms.training.optimizers import build_optimizer, optimizer_state
from tests.algorithms.training.world import Recorder, World, train_spec


def stepped(settings: LLMSettings, steps: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = build_optimizer(model, settings)
    for step in range(steps):
        step_once(model, optimizer, step)
    return model, optimizer


def step_once(model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    optimizer.zero_grad()
    inputs = torch.arange(6.0).reshape(2, 3) + step
    model(inputs).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_an_optimizer_goes_on_as_if_it_had_never_been_written(tmp_path: Path, name: str) -> None:
    settings = LLMSettings.model_validate({"optimizer": name})
    model, optimizer = stepped(settings, 3)
    write_optimizer(optimizer, tmp_path)
    again, other = stepped(settings, 0)
    again.load_state_dict(model.state_dict())
    read_optimizer(other, tmp_path)
    step_once(model, optimizer, 3)
    step_once(again, other, 3)
    for own, carried in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(own, carried)


def test_only_safetensors_and_json_are_written(tmp_path: Path) -> None:
    _, optimizer = stepped(LLMSettings(), 1)
    write_optimizer(optimizer, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "optimizer.json",
        "optimizer.safetensors",
    }


def test_another_optimizers_state_is_refused(tmp_path: Path) -> None:
    _, optimizer = stepped(LLMSettings(), 1)
    write_optimizer(optimizer, tmp_path)
    _, other = stepped(LLMSettings(optimizer="adafactor"), 0)
    with pytest.raises(UserError, match="used AdamW"):
        read_optimizer(other, tmp_path)


def test_a_training_carries_on_with_the_moments_of_the_one_before(world: World) -> None:
    keeping = train_spec(steps=2).model_copy(update={"keep_optimizer": True})
    world.train("first", keeping)
    fresh, carried = Recorder(), Recorder()
    spec = train_spec(steps=2, learning_rate=1e-2)
    world.train("fresh", spec, reporter=fresh, policy="first")
    world.train("carried", spec, reporter=carried, policy="first", optimizer="first")
    # The first gradient is the same; what the optimizer makes of it is not.
    assert fresh.points[0]["grad_norm"] == carried.points[0]["grad_norm"]
    assert fresh.points[1]["grad_norm"] != carried.points[1]["grad_norm"]


def test_a_resumed_training_keeps_its_own_moments(world: World) -> None:
    world.train("first", train_spec(steps=2).model_copy(update={"keep_optimizer": True}))
    spec = train_spec(steps=4, evaluate_every=0).model_copy(update={"keep_optimizer": True})
    world.train("whole", spec, policy="first", optimizer="first")
    with pytest.raises(Stopped):
        world.train(
            "parts", spec, reporter=Recorder(stop_after=2), policy="first", optimizer="first"
        )
    (world.folder / "parts").rmdir()
    world.train("parts", spec, policy="first", optimizer="first")
    whole, parts = (
        (world.folder / name / "optimizer.safetensors").read_bytes() for name in ("whole", "parts")
    )
    assert whole == parts


def test_a_training_that_kept_nothing_cannot_be_carried_on(world: World) -> None:
    world.train("first", train_spec(steps=2))
    with pytest.raises(UserError, match="kept no optimizer state"):
        world.train("second", train_spec(steps=2), policy="first", optimizer="first")


def test_adapters_have_no_state_to_carry(world: World) -> None:
    spec = train_spec(steps=2, lora_rank=2).model_copy(update={"keep_optimizer": True})
    with pytest.raises(UserError, match="LoRA"):
        world.train("first", spec)


def test_a_fresh_optimizer_has_no_state() -> None:
    assert optimizer_state(stepped(LLMSettings(), 0)[1]) == ({}, {})
