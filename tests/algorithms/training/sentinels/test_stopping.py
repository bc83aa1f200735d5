"""Injected faults in real trainings: an event, and by setting the end with good weights."""

from collections.abc import Callable
from typing import Any

import pytest
from safetensors.torch import load_file

from algorithms.base import NonFiniteLossError
from algorithms.settings import LLMSettings
from algorithms.specs import TrainSpec
from tests.algorithms.training.test_skipped_steps import breaking, nan_loss
from tests.algorithms.training.world import Recorder, World, regrade, train_spec

__all__ = ["breaking"]


def watched(name: str = "topr", **changes: Any) -> TrainSpec:
    """Return a short training, evaluated and saved often; what is no setting is a sentinel's."""
    own = {key: changes.pop(key) for key in list(changes) if key in LLMSettings.model_fields}
    return train_spec(name, sentinels=changes, **own)


def weights(world: World, name: str) -> dict[str, Any]:
    return load_file(world.folder / name / "model.safetensors")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(bool((one[name] == other[name]).all()) for name in one)


def test_a_nan_stops_with_the_policy_of_the_last_checkpoint(
    world: World, breaking: Callable[..., str]
) -> None:
    recorder = Recorder()
    name = breaking(nan_loss, 5)
    spec = watched(name, non_finite="stop", checkpoint_every=2, evaluate_every=0)
    summary = world.train("out", spec, reporter=recorder)
    assert (summary["stopped_by"], summary["stopped_at"]) == ("non_finite", 5)
    assert summary["steps"] == 4
    assert "eval_sampled_accuracy" in summary  # of what is kept
    [event] = recorder.events
    assert (event.sentinel, event.step, event.action) == ("non_finite", 5, "stop")
    breaking(nan_loss)
    short = watched(name, steps=4, checkpoint_every=2, evaluate_every=0)
    world.train("four", short)
    assert same(weights(world, "out"), weights(world, "four"))


def test_a_nan_that_only_warns_fails_as_before(world: World, breaking: Callable[..., str]) -> None:
    recorder = Recorder()
    with pytest.raises(NonFiniteLossError):
        world.train("out", watched(breaking(nan_loss, 2)), reporter=recorder)
    assert [event.sentinel for event in recorder.events] == ["non_finite"]


def test_a_fault_before_the_first_checkpoint_keeps_the_policy_of_the_beginning(
    world: World,
) -> None:
    spec = watched(ratio_explosion="stop", log_ratio_limit=1e-6, checkpoint_every=50)
    recorder = Recorder()
    summary = world.train("out", spec, reporter=recorder)
    assert summary["stopped_by"] == "ratio_explosion"
    assert summary["steps"] == 0
    assert same(weights(world, "out"), weights(world, "policy"))


def test_batches_without_positives_are_told_and_training_goes_on(world: World) -> None:
    recorder = Recorder()
    graded = world.folder / "negatives"
    graded.mkdir()
    for file in (world.folder / "graded").iterdir():
        (graded / file.name).write_bytes(file.read_bytes())
    regrade(world, "negatives", every=0)
    summary = world.train("out", watched(), reporter=recorder, rollouts="negatives")
    assert summary["steps"] == 6
    assert "stopped_by" not in summary
    assert ("all_negative", 2) in [(event.sentinel, event.step) for event in recorder.events]


def test_what_an_evaluation_finds_stops_before_another_checkpoint(world: World) -> None:
    spec = watched(
        length_collapse="stop",
        length_factor=1.0000001,
        learning_rate=0.05,
        evaluate_every=1,
        checkpoint_every=1,
    )
    recorder = Recorder()
    summary = world.train("out", spec, reporter=recorder)
    [event] = [event for event in recorder.events if event.action == "stop"]
    assert summary["stopped_by"] == "length_collapse"
    assert summary["steps"] == event.step - 1


def test_watching_changes_no_number_and_default_settings_no_fingerprint(world: World) -> None:
    off = dict.fromkeys(("ratio_explosion", "entropy_collapse", "throughput_stall"), "off")
    world.train("plain", watched())
    world.train("blind", watched(**off))
    assert same(weights(world, "plain"), weights(world, "blind"))
    assert "sentinels" not in LLMSettings().model_dump(mode="json")
    assert "sentinels" in watched(**off).settings.model_dump(mode="json")
    again = LLMSettings.model_validate(watched(**off).settings.model_dump(mode="json"))
    assert again == watched(**off).settings
