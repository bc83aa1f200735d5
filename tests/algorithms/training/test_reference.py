"""Log-probabilities of the reference policy: right, computed once, and the same on a resume."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema, Stopped
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from algorithms.training import lessons
from algorithms.training.completions import TrainingSet, load_rollouts
from algorithms.training.policy import Policy
from algorithms.training.reference import REFERENCE_FILE, with_reference
from tests.algorithms.training.world import Recorder, World, train_spec


class _Params(Schema):
    coefficient: float = 1.0


def _pulled_back(logprobs: torch.Tensor, batch: CompletionBatch, params: _Params) -> LossOutput:
    """Return REINFORCE with a squared distance to the reference per token."""
    assert batch.reference_logprobs is not None
    away = (logprobs - batch.reference_logprobs) * batch.mask
    worth = batch.advantages * (logprobs * batch.mask).sum(-1)
    return LossOutput(loss=(params.coefficient * away.square().sum(-1) - worth).mean())


@pytest.fixture
def anchored(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an algorithm that reads the reference unless its coefficient is 0."""
    algorithm = LLMAlgorithm(
        "Anchored",
        "none",
        "",
        "",
        _Params,
        _pulled_back,
        needs_reference=lambda params: bool(params.coefficient),
        unit="prompt",
    )
    monkeypatch.setattr(lessons, "ALGORITHMS", {**ALGORITHMS, "anchored": algorithm})
    return "anchored"


def reference(
    data: TrainingSet, policy: Policy, folder: Path, reporter: Recorder | None = None
) -> np.ndarray:
    found = with_reference(
        data,
        policy,
        rows=np.arange(len(data)),
        settings=LLMSettings(batch_size=8, micro_batch_size=5),
        folder=folder,
        reporter=reporter or Recorder(),
    )
    assert found.reference_logprobs is not None
    return found.reference_logprobs.values


def test_the_policy_that_wrote_the_completions_is_its_own_reference(
    shared_world: World, policy: Policy, tmp_path: Path
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    recorder = Recorder()
    values = reference(data, policy, tmp_path, recorder)
    assert data.behaviour_logprobs is not None
    assert np.array_equal(values, data.behaviour_logprobs.values)
    assert recorder.done[0] == (0, 160, "completions read by the reference policy")


def test_completions_that_are_not_trained_on_are_not_read(
    shared_world: World, policy: Policy, tmp_path: Path
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    rows = np.array([7, 3, 3])
    settings = LLMSettings(batch_size=2, micro_batch_size=2)
    found = with_reference(
        data, policy, rows=rows, settings=settings, folder=tmp_path, reporter=Recorder()
    ).reference_logprobs
    assert found is not None
    read = [row for row, values in enumerate(found.take(np.arange(len(data)))) if values.any()]
    assert read == [3, 7]


def test_what_is_kept_is_not_computed_again_and_what_is_damaged_is(
    shared_world: World, policy: Policy, tmp_path: Path
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    first = reference(data, policy, tmp_path)
    path = tmp_path / REFERENCE_FILE
    save_file({"logprobs": torch.from_numpy(first + 1)}, path)
    assert np.array_equal(reference(data, policy, tmp_path), first + 1)
    for damaged in (path.read_bytes()[:-4], b"", None):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        assert np.array_equal(reference(data, policy, tmp_path), first)


def test_it_stops_when_asked_to_and_leaves_nothing(
    shared_world: World, policy: Policy, tmp_path: Path
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    with pytest.raises(Stopped):
        reference(data, policy, tmp_path / "new", Recorder(stop_after=2))
    assert not (tmp_path / "new").exists()


def test_a_training_is_anchored_at_the_policy_it_starts_from(world: World, anchored: str) -> None:
    recorder = Recorder()
    world.train("out", train_spec(anchored, steps=3), reporter=recorder)
    assert recorder.points[0]["kl_reference"] == 0
    assert recorder.points[2]["kl_reference"] > 0


def test_a_reference_that_was_given_is_the_anchor(world: World, anchored: str) -> None:
    world.train("other", train_spec("topr", steps=3))
    recorder = Recorder()
    world.train("out", train_spec(anchored, steps=1), reporter=recorder, reference="other")
    assert recorder.points[0]["kl_reference"] > 0
    assert recorder.points[0]["kl_behaviour"] == 0


def test_no_reference_is_computed_for_settings_that_do_not_read_it(
    world: World, anchored: str
) -> None:
    spec = train_spec(anchored, steps=1).model_copy(update={"params": {"coefficient": 0.0}})
    with pytest.raises(AssertionError):
        world.train("out", spec)
    assert not (world.folder / "out.checkpoints" / REFERENCE_FILE).exists()


@pytest.mark.parametrize("after", [3, 8, 11])
def test_a_resumed_training_has_the_same_reference(world: World, anchored: str, after: int) -> None:
    """It starts from the policy, not from the checkpoint, whether or not the cache survived."""
    spec = train_spec(anchored, batch_size=40, micro_batch_size=12)
    world.train("whole", spec)
    with pytest.raises(Stopped):
        world.train("again", spec, reporter=Recorder(stop_after=after))
    if after == 11:
        (world.folder / "again.checkpoints" / REFERENCE_FILE).unlink()
    (world.folder / "again").rmdir()
    world.train("again", spec)
    whole, again = (
        load_file(world.folder / name / "model.safetensors") for name in ("whole", "again")
    )
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
