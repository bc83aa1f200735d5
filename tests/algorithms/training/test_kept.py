"""Policies kept along the way: which, whole folders, and the same bits after a stop."""

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from algorithms.base import Stopped, UserError
from algorithms.checkpoints import checkpoint_path, checkpoint_steps
from algorithms.settings import LLMSettings
from algorithms.training.policy import load_policy
from tests.algorithms.training.world import Recorder, World, train_spec

KEPT = train_spec("topr", keep_every=2)


def weights(world: World, name: str) -> dict[str, torch.Tensor]:
    return load_file(world.folder / name / "model.safetensors")


def kept(world: World, name: str) -> list[str]:
    return sorted(path.name for path in (world.folder / name / "checkpoints").glob("*"))


def test_the_last_policy_is_the_artifact_itself() -> None:
    assert list(checkpoint_steps(6, 2)) == [2, 4]
    assert list(checkpoint_steps(7, 2)) == [2, 4, 6]
    assert list(checkpoint_steps(6, 0)) == []


def test_a_kept_policy_is_what_a_shorter_training_ends_with(world: World) -> None:
    world.train("long", KEPT)
    world.train("short", train_spec("topr", steps=4))
    assert kept(world, "long") == ["step_000002", "step_000004"]
    shorter = weights(world, "short")
    for name, value in weights(world, f"long/{checkpoint_path(4)}").items():
        assert torch.equal(value, shorter[name])
    policy = load_policy(world.folder / "long" / checkpoint_path(2), torch.device("cpu"))
    assert policy.encode_prompts(["1+1="])


def test_a_stopped_training_keeps_what_it_had_kept(world: World) -> None:
    world.train("whole", KEPT)
    with pytest.raises(Stopped):
        world.train("again", KEPT, reporter=Recorder(stop_after=6))
    (world.folder / "again").rmdir()
    (world.folder / "again.checkpoints/kept/checkpoints/.step_000004.part").mkdir()
    world.train("again", KEPT)
    assert kept(world, "again") == kept(world, "whole")
    for step in (2, 4):
        name = checkpoint_path(step)
        first, second = weights(world, f"whole/{name}"), weights(world, f"again/{name}")
        assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_without_an_interval_nothing_is_kept(world: World) -> None:
    world.train("out", train_spec("topr", steps=2))
    assert not (world.folder / "out" / "checkpoints").exists()


def test_more_policies_than_a_disk_should_hold_are_refused(world: World) -> None:
    with pytest.raises(ValidationError, match="would keep 249 policies; at most 100"):
        LLMSettings(steps=250, keep_every=1)
    spec = train_spec("topr", epochs=60.0, keep_every=1)  # 600 steps, known with the data only
    with pytest.raises(UserError, match="600 steps with keep_every = 1 would keep 599"):
        world.train("out", spec)


def test_adapters_are_merged_into_a_kept_policy(world: World) -> None:
    spec = train_spec("topr", keep_every=2, lora_rank=2)
    world.train("out", spec)
    folder = world.folder / "out" / checkpoint_path(2)
    assert weights(world, "policy").keys() == load_file(folder / "model.safetensors").keys()
