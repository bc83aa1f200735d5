"""Checkpoints: the newest whole one counts, damaged ones are passed over, old ones go."""

from pathlib import Path

import pytest
import torch

from algorithms.settings import LLMSettings
from algorithms.training import checkpoint
from algorithms.training.checkpoint import Position
from algorithms.training.optimizers import build_optimizer
from algorithms.training.policy import Policy


def saved(policy: Policy, folder: Path, *steps: int) -> torch.optim.Optimizer:
    optimizer = build_optimizer(policy.model, LLMSettings())
    for step in steps:
        for weight in policy.model.parameters():
            weight.grad = torch.ones_like(weight)
        optimizer.step()
        checkpoint.save(folder, policy.model, optimizer, Position(step=step, samples=step * 2))
    return optimizer


def restored(policy: Policy, folder: Path) -> int | None:
    optimizer = build_optimizer(policy.model, LLMSettings())
    position = checkpoint.restore(folder, policy.model, optimizer)
    return position.step if position else None


def test_the_newest_is_restored_with_its_weights_and_random_state(
    policy: Policy, tmp_path: Path
) -> None:
    saved(policy, tmp_path, 9, 10, 200)
    expected = {name: value.clone() for name, value in policy.model.state_dict().items()}
    numbers = torch.rand(3)
    with torch.no_grad():
        for weight in policy.model.parameters():
            weight.zero_()
    assert restored(policy, tmp_path) == 200
    assert all(torch.equal(v, expected[n]) for n, v in policy.model.state_dict().items())
    assert torch.equal(torch.rand(3), numbers)


def test_only_two_are_kept(policy: Policy, tmp_path: Path) -> None:
    saved(policy, tmp_path, 1, 2, 3)
    assert sorted(path.name[-3:] for path in tmp_path.iterdir()) == ["002", "003"]


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "short", "empty"])
def test_a_damaged_one_is_passed_over(
    policy: Policy, tmp_path: Path, name: str, damage: str
) -> None:
    saved(policy, tmp_path, 1, 2)
    path = tmp_path / "step-0000000002" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[:-1] if damage == "short" else b"")
    assert restored(policy, tmp_path) == 1


def test_one_that_was_being_written_is_not_seen(policy: Policy, tmp_path: Path) -> None:
    saved(policy, tmp_path, 1, 2)
    (tmp_path / "step-0000000002").rename(tmp_path / ".step-0000000002.part")
    assert restored(policy, tmp_path) == 1
    saved(policy, tmp_path, 2)
    assert restored(policy, tmp_path) == 2


def test_none_starts_from_the_beginning(policy: Policy, tmp_path: Path) -> None:
    assert restored(policy, tmp_path / "never") is None


def test_weights_that_share_memory_are_kept_once_and_come_back_shared(
    policy: Policy, tmp_path: Path
) -> None:
    policy.model.config.tie_word_embeddings = True
    policy.model.lm_head.weight = policy.model.model.embed_tokens.weight
    saved(policy, tmp_path, 1)
    assert restored(policy, tmp_path) == 1
    assert policy.model.lm_head.weight is policy.model.model.embed_tokens.weight
