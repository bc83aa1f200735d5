"""Steps whose loss or gradient is not a number: left out, counted, and the end past a limit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from algorithms.base import (
    CompletionBatch,
    LLMAlgorithm,
    LossOutput,
    NonFiniteLossError,
    Schema,
    Stopped,
)
from algorithms.catalogue import ALGORITHMS
from algorithms.training import lessons
from tests.algorithms.training.world import Recorder, World, train_spec

Injected = Callable[[torch.Tensor], torch.Tensor]


def nan_loss(logprobs: torch.Tensor) -> torch.Tensor:
    return logprobs.sum() * torch.nan


def nan_gradient(logprobs: torch.Tensor) -> torch.Tensor:
    """Return 0 with a gradient that is not a number: the square root's at 0."""
    return (logprobs - logprobs).sum().sqrt()


class _Params(Schema):
    pass


class Broken:
    """REINFORCE that breaks down when it is called for the n-th update, from 0."""

    def __init__(self, injected: Injected, *, updates: set[int]) -> None:
        self.injected = injected
        self.updates = updates
        self.calls = -1  # the first call looks for a signal before any update

    def loss(self, logprobs: torch.Tensor, batch: CompletionBatch, _: _Params) -> LossOutput:
        loss = -(batch.rewards * logprobs.sum(-1)).mean()
        if self.calls in self.updates:
            loss = loss + self.injected(logprobs)
        self.calls += 1
        return LossOutput(loss=loss)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def add(injected: Injected, *updates: int) -> str:
        loss = Broken(injected, updates=set(updates)).loss
        algorithm = LLMAlgorithm("Broken", "none", "", "", _Params, loss)
        monkeypatch.setattr(lessons, "ALGORITHMS", {**ALGORITHMS, "broken": algorithm})
        return "broken"

    return add


@pytest.mark.parametrize("injected", [nan_loss, nan_gradient])
def test_a_skipped_step_leaves_weights_and_optimizer_alone_and_is_counted(
    world: World, breaking: Callable[..., str], injected: Injected
) -> None:
    name = breaking(injected, 2)
    spec = train_spec(name, max_skipped_steps=1, checkpoint_every=1, evaluate_every=0)
    recorder = Recorder(stop_after=3)
    with pytest.raises(Stopped):
        world.train("out", spec, reporter=recorder)
    before, after = sorted((world.folder / "out.checkpoints").glob("step-*"))
    for file in ("model.safetensors", "optimizer.safetensors"):
        assert (before / file).read_bytes() == (after / file).read_bytes()
    position = json.loads((after / "state.json").read_text())["position"]
    assert (position["step"], position["skipped_steps"], position["samples"]) == (3, 1, 48)
    assert recorder.points[1]["skipped_steps"] == 0
    assert set(recorder.points[2]) == {"skipped_steps", "learning_rate", "tokens_per_s"}
    assert recorder.points[2]["skipped_steps"] == 1
    assert any(
        message.startswith("warning: Step 2 changed nothing: The ") and "1 of at most 1" in message
        for message in recorder.messages
    )


def test_training_goes_on_after_a_skipped_step(world: World, breaking: Callable[..., str]) -> None:
    recorder = Recorder()
    spec = train_spec(breaking(nan_loss, 1, 3), max_skipped_steps=2)
    summary = world.train("out", spec, reporter=recorder)
    assert (summary["steps"], summary["skipped_steps"]) == (6, 2)
    counted = [recorder.points[step]["skipped_steps"] for step in range(6)]
    assert counted == [0, 1, 1, 2, 2, 2]
    assert recorder.points[5]["grad_norm"] > 0


@pytest.mark.parametrize(("limit", "updates"), [(0, (4,)), (1, (1, 4))])
def test_one_skipped_step_more_than_allowed_ends_the_training(
    world: World, breaking: Callable[..., str], limit: int, updates: tuple[int, ...]
) -> None:
    spec = train_spec(breaking(nan_loss, *updates), max_skipped_steps=limit)
    with pytest.raises(NonFiniteLossError, match="not a finite number at step 4"):
        world.train("out", spec)


def test_the_count_survives_a_resume(world: World, breaking: Callable[..., str]) -> None:
    spec = train_spec(
        breaking(nan_loss, 1), max_skipped_steps=1, checkpoint_every=1, evaluate_every=0
    )
    with pytest.raises(Stopped):
        world.train("out", spec, reporter=Recorder(stop_after=3))
    Path(world.folder / "out").rmdir()
    recorder = Recorder()
    breaking(nan_loss, 0)  # the first update after the resume
    with pytest.raises(NonFiniteLossError, match="at step 3"):
        world.train("out", spec, reporter=recorder)
