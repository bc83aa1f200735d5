"""Learning rates over time, and an optimizer's memory that survives a restart."""

from typing import Literal

import pytest
import torch

from algorithms.settings import LLMSettings
from algorithms.training.optimizers import (
    build_optimizer,
    clip_gradient,
    learning_rate,
    optimizer_state,
    restore_optimizer,
)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1.0, 1.0, 0.8535534, 0.5, 0.1464466]),
    ],
)
def test_the_rate_rises_over_the_warm_up_and_follows_the_schedule(
    schedule: Literal["constant", "linear", "cosine"], expected: list[float]
) -> None:
    settings = LLMSettings(learning_rate=1.0, warmup_steps=2, schedule=schedule)
    assert [learning_rate(settings, step, 6) for step in range(6)] == pytest.approx(expected)


def model_of_two_layers() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))


def update(model: torch.nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for number in range(count):
        optimizer.zero_grad()
        (model(torch.full((2, 4), float(number + 1))) ** 2).mean().backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_a_restored_optimizer_goes_on_as_if_never_interrupted(
    name: Literal["adamw", "adafactor"],
) -> None:
    settings = LLMSettings(optimizer=name, learning_rate=0.01, weight_decay=0.1)
    model = model_of_two_layers()
    optimizer = build_optimizer(model, settings)
    update(model, optimizer, 3)
    tensors, numbers = optimizer_state(optimizer)
    copied = {key: value.clone() for key, value in tensors.items()}

    other = model_of_two_layers()
    other.load_state_dict(model.state_dict())
    second = build_optimizer(other, settings)
    restore_optimizer(second, copied, numbers)
    update(model, optimizer, 3)
    update(other, second, 3)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_only_matrices_decay() -> None:
    model = model_of_two_layers()
    optimizer = build_optimizer(model, LLMSettings(weight_decay=0.5, learning_rate=0.1))
    before = [weight.clone() for weight in model.parameters()]
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new, old * (0.95 if old.ndim == 2 else 1.0))


def test_adafactor_takes_steps_of_the_rate_it_was_given() -> None:
    model = model_of_two_layers()
    optimizer = build_optimizer(model, LLMSettings(optimizer="adafactor", learning_rate=0.01))
    before = [weight.detach().clone() for weight in model.parameters()]
    update(model, optimizer, 1)
    steps = [
        (new.detach() - old).square().mean().sqrt()
        for old, new in zip(before, model.parameters(), strict=True)
    ]
    assert max(steps) == pytest.approx(0.01, rel=0.05)


def test_clipping_returns_the_norm_before_and_leaves_short_gradients_alone() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([3.0, 4.0])
    assert clip_gradient([weight], 1.0) == pytest.approx(5.0)
    torch.testing.assert_close(weight.grad, torch.tensor([0.6, 0.8]), rtol=1e-4, atol=0)
    assert clip_gradient([weight], 10.0) == pytest.approx(1.0, rel=1e-4)
    torch.testing.assert_close(weight.grad, torch.tensor([0.6, 0.8]), rtol=1e-4, atol=0)
