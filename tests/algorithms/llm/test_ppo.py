"""PPO's clip at its edges; the paper's vectors are in test_paper_vectors."""

import math

import pytest
import torch
from hypothesis import given

from algorithms.llm import ppo
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import Example, example, examples, ratios, three_sequences

PPO = ppo.ALGORITHM


@given(examples(rewards=(-1.0, 0.0, 0.5, 2.0)))
def test_the_loss_is_the_minimum_of_schulman_et_al(case: Example) -> None:
    x = torch.tensor(ratios(case), dtype=torch.float64)
    rewards = case.batch.rewards
    terms = torch.minimum(x * rewards, x.clamp(0.8, 1.2) * rewards) / case.batch.mask.sum(-1)
    assert case.loss(PPO, ppo.Params()) == pytest.approx(-terms.mean().item(), rel=1e-9)


def test_each_side_of_the_clip_has_its_own_setting() -> None:
    params = ppo.Params(clip_low=0.5, clip_high=1.0)
    assert gradient_coefficient(PPO, params, [1.9, 2.1], 1.0) == pytest.approx([1.9, 0])
    assert gradient_coefficient(PPO, params, [0.45, 0.6], -1.0) == pytest.approx([0, -0.6])


def test_a_clipped_ratio_that_overflows_leaves_a_finite_gradient() -> None:
    case = example([1], policy=[[-0.1]], behaviour=[[-2000.0]])
    assert case.loss(PPO, ppo.Params()) == pytest.approx(-1.2)
    assert case.gradient(PPO, ppo.Params()).tolist() == [[0.0]]


def test_the_clipped_share_counts_completions_without_gradient() -> None:
    case = three_sequences()
    metrics = PPO.loss(case.logprobs, case.batch, ppo.Params()).metrics
    assert metrics == {"clipped_share": pytest.approx(1 / 3)}
    assert math.isclose(ratios(case)[1], math.exp(-0.7))
