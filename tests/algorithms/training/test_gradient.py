"""The gradient of an update: the same in one big batch or in micro-batches of any size."""

import dataclasses
from typing import Literal

import numpy as np
import pytest
import torch

from algorithms.asking import Grading
from algorithms.base import (
    CompletionBatch,
    LLMAlgorithm,
    LossOutput,
    NonFiniteLossError,
    Schema,
    UserError,
)
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from algorithms.training.completions import TrainingSet, load_references, load_rollouts
from algorithms.training.evaluation import Exam
from algorithms.training.gradient import Lesson, accumulate_gradient, require_signal
from algorithms.training.policy import Policy
from algorithms.training.units import Units
from tests.algorithms.training.world import SAMPLING, World


def lesson(data: TrainingSet, algorithm: LLMAlgorithm, *, size: int = 64) -> Lesson:
    exam = Exam(problems=[], samples=0, sampling=SAMPLING, grading=Grading(), batch_size=1)
    settings = LLMSettings(batch_size=64, micro_batch_size=size)
    return Lesson(algorithm, algorithm.params(), settings, 0, data, exam)


def moved(policy: Policy) -> None:
    """Take the policy off the behaviour policy, so that ratios are not all 1."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.02)


def gradient(policy: Policy) -> torch.Tensor:
    return torch.cat([weight.grad.flatten() for weight in policy.model.parameters()])


@pytest.mark.parametrize("name", list(ALGORITHMS))
@pytest.mark.parametrize("size", [1, 7, 25])
def test_accumulated_gradient_and_metrics_are_those_of_one_big_batch(
    shared_world: World, policy: Policy, name: str, size: int
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    moved(policy)
    one, cut = lesson(data, ALGORITHMS[name]), lesson(data, ALGORITHMS[name], size=size)
    units = one.units.take(np.arange(len(one.units) * 50 // len(one.units.rows)))
    whole = accumulate_gradient(policy, one, units, step=0, detailed=True).figures
    expected = gradient(policy)
    parts = accumulate_gradient(policy, cut, units, step=0, detailed=True).figures
    assert expected.norm() > 1e-4
    torch.testing.assert_close(gradient(policy), expected, rtol=1e-4, atol=1e-6)
    assert parts == pytest.approx(whole, rel=1e-5, abs=1e-7)


SEEN: list[CompletionBatch] = []


def second_moment(logprobs: torch.Tensor, batch: CompletionBatch, params: Schema) -> torch.Tensor:
    """Return the tokens whose log ratio is below the median of the whole batch."""
    SEEN.append(batch)
    log_ratio = (logprobs - batch.behaviour_logprobs).abs()
    return batch.mask & (log_ratio <= log_ratio[batch.mask].median())


def token_mean(logprobs: torch.Tensor, batch: CompletionBatch, params: Schema) -> LossOutput:
    """Return a token mean over what was selected, relative to the other completions of a unit."""
    assert batch.selected is not None
    SEEN.append(batch)
    size = batch.unit_index.bincount()
    mean = torch.zeros(len(size)).index_add(0, batch.unit_index, batch.rewards) / size
    advantages = (batch.rewards - mean[batch.unit_index]).unsqueeze(-1)
    kept = batch.mask & batch.selected
    loss = -(advantages * logprobs * kept).sum() / batch.mean_tokens / len(batch.rewards)
    return LossOutput(loss=loss, kept=kept)


@pytest.mark.parametrize("unit", ["completion", "prompt", "pair"])
@pytest.mark.parametrize("size", [3, 7])
def test_units_and_selections_of_the_whole_batch_survive_micro_batches(
    shared_world: World, policy: Policy, unit: Literal["completion", "prompt", "pair"], size: int
) -> None:
    """A median over the batch and a mean over units; torn units would change both."""
    algorithm = LLMAlgorithm(
        "Median", "none", "", "", _NoParams, token_mean, select=second_moment, unit=unit
    )
    data = load_rollouts(shared_world.folder / "graded", policy)
    moved(policy)
    one, cut = lesson(data, algorithm), lesson(data, algorithm, size=size)
    units = one.units.take(np.arange(12))
    SEEN.clear()
    whole = accumulate_gradient(policy, one, units, step=0, detailed=True).figures
    expected = gradient(policy)
    assert len(SEEN) == 2, "one selection, one loss, and no pass more"
    SEEN.clear()
    parts = accumulate_gradient(policy, cut, units, step=0, detailed=True).figures
    assert len(SEEN) > 2
    assert [batch.selected is None for batch in SEEN] == [True, *[False] * (len(SEEN) - 1)]
    assert (expected.norm() > 1e-4) == (unit != "completion")
    torch.testing.assert_close(gradient(policy), expected, rtol=1e-4, atol=1e-6)
    assert parts == pytest.approx(whole, rel=1e-5, abs=1e-6)
    assert whole["negatives_clipped_share"] > 0.2


def test_the_effective_share_of_positives_is_that_of_equation_7(
    shared_world: World, policy: Policy
) -> None:
    """On-policy REINFORCE with rewards +1 and -1 and baseline c; B2 of TOPR's appendix."""
    data = load_rollouts(shared_world.folder / "graded", policy)
    algorithm = ALGORITHMS["reinforce"]
    for baseline in (0.0, 0.5, -0.5, 0.9):
        params = algorithm.params.model_validate({"baseline": baseline})
        taught = dataclasses.replace(lesson(data, algorithm), params=params)
        figures = accumulate_gradient(policy, taught, taught.units, step=0).figures
        share = figures["positive_share"]
        expected = share * (1 - baseline) / (1 + (1 - 2 * share) * baseline)
        assert figures["effective_positive_share"] == pytest.approx(expected, rel=1e-5)


def test_references_have_no_ratio_to_report(shared_world: World, policy: Policy) -> None:
    data = load_references(shared_world.folder / "dataset", "train", policy)
    units = Units.singles(np.arange(8))
    metrics = accumulate_gradient(policy, lesson(data, ALGORITHMS["sft"]), units, step=0).figures
    assert metrics["positive_share"] == 1
    assert not {"ratio_mean", "ratio_max", "kl_behaviour"} & set(metrics)


def with_rewards(world: World, policy: Policy, value: float) -> TrainingSet:
    data = load_rollouts(world.folder / "graded", policy)
    return dataclasses.replace(data, rewards=torch.full_like(data.rewards, value))


def test_positives_without_a_positive_say_how_many_there_were(
    shared_world: World, policy: Policy
) -> None:
    data = with_rewards(shared_world, policy, -1.0)
    with pytest.raises(UserError, match=r"these 160 completions: 0 have a reward above zero, 160"):
        require_signal(lesson(data, ALGORITHMS["positives"]))


@pytest.mark.parametrize("name", ["reinforce", "ppo", "tis", "topr"])
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_rewards_of_one_sign_are_enough_for_the_others(
    shared_world: World, policy: Policy, name: str, value: float
) -> None:
    require_signal(lesson(with_rewards(shared_world, policy, value), ALGORITHMS[name]))


class _NoParams(Schema):
    pass


def test_a_loss_that_is_no_number_is_named_with_its_step(
    shared_world: World, policy: Policy
) -> None:
    def broken(logprobs: torch.Tensor, batch: CompletionBatch, params: Schema) -> LossOutput:
        return LossOutput(loss=logprobs.sum() * torch.nan)

    algorithm = LLMAlgorithm("Broken", "none", "", "", _NoParams, broken)
    data = load_rollouts(shared_world.folder / "graded", policy)
    with pytest.raises(NonFiniteLossError, match="at step 7"):
        accumulate_gradient(policy, lesson(data, algorithm), Units.singles(np.arange(4)), step=7)
