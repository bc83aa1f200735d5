"""The gradient coefficient that the gallery draws; T1's values are in test_paper_vectors."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.base import CompletionBatch, LossOutput, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.llm import ppo, reinforce, topr
from algorithms.shared.batches import whole_batch
from algorithms.shared.gradient import gradient_coefficient
from algorithms.shared.taper import taper_objective
from tests.algorithms.batches import example


def expected_objective(name: str, log_ratio: float, reward: float) -> float:
    """Return the function of log x whose slope the coefficient is, from the paper."""
    x = math.exp(log_ratio)
    if name == "ppo":
        return min(x * reward, max(min(x, 1.2), 0.8) * reward)
    if name in ("sft", "reinforce"):
        return log_ratio * (1 if name == "sft" else reward)
    if name == "positives":
        return log_ratio * max(reward, 0)
    floor = 1 if name == "topr" and reward >= 0 else 0
    log_x = torch.tensor(log_ratio, dtype=torch.float64)
    return reward * taper_objective(log_x, floor, 1).item()


@given(
    st.sampled_from(["positives", "ppo", "reinforce", "sft", "tis", "topr"]),
    st.floats(-4, 4).filter(
        lambda value: all(abs(value - bend) > 1e-3 for bend in (0, math.log(0.8), math.log(1.2)))
    ),
    st.sampled_from([1.0, -1.0, 0.5, -2.0]),
)
def test_it_is_the_finite_difference_of_the_papers_objective(
    name: str, log_ratio: float, reward: float
) -> None:
    step = 1e-5
    above = expected_objective(name, log_ratio + step, reward)
    below = expected_objective(name, log_ratio - step, reward)
    algorithm = ALGORITHMS[name]
    (c,) = gradient_coefficient(algorithm, algorithm.params(), [math.exp(log_ratio)], reward)
    assert c == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8)


@given(st.floats(-2, 2).filter(lambda value: abs(value - math.log(1.2)) > 1e-3))
def test_it_is_the_finite_difference_of_a_differentiable_loss(log_ratio: float) -> None:
    def loss(value: float) -> float:
        return example([1], policy=[[value]], behaviour=[[0.0]]).loss(ppo.ALGORITHM, ppo.Params())

    step = 1e-6
    slope = (loss(log_ratio + step) - loss(log_ratio - step)) / (2 * step)
    (c,) = gradient_coefficient(ppo.ALGORITHM, ppo.Params(), [math.exp(log_ratio)], 1.0)
    assert c == pytest.approx(-slope, rel=1e-6, abs=1e-8)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=20))
def test_a_ratio_has_the_same_coefficient_alone_and_among_others(x: list[float]) -> None:
    case = topr.ALGORITHM, topr.Params()
    alone = [gradient_coefficient(*case, [value], -1.0)[0] for value in x]
    assert gradient_coefficient(*case, x, -1.0) == pytest.approx(alone, rel=1e-12)


def test_a_ratio_of_zero_is_finite_where_log_zero_would_not_be() -> None:
    def loss(logprobs: Tensor, batch: CompletionBatch, params: Schema) -> LossOutput:
        return LossOutput((logprobs.exp() * logprobs).mean())

    entropy = dataclasses.replace(reinforce.ALGORITHM, loss=loss)
    assert gradient_coefficient(entropy, reinforce.Params(), [0.0], 1.0) == pytest.approx([0])


@pytest.mark.parametrize("x", [[], [-0.5], [math.nan], [math.inf]])
def test_what_is_no_ratio_is_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match="ratios must be"):
        gradient_coefficient(reinforce.ALGORITHM, reinforce.Params(), x, 1.0)


def test_shapes_in_signatures_are_checked_while_testing() -> None:
    """Goes red when the import hook that checks them is not installed."""
    batch = whole_batch(
        rewards=torch.ones(2),
        behaviour_logprobs=torch.zeros(2, 3),
        mask=torch.ones(2, 3, dtype=torch.bool),
        prompt_index=torch.arange(2),
    )
    with pytest.raises(TypeError, match="Type-check error"):
        topr.loss(torch.zeros(2, 3, 1), batch, topr.Params())
    for wrong in ({"rewards": torch.ones(3)}, {"behaviour_logprobs": torch.zeros(2, 4)}):
        with pytest.raises(TypeError, match="Type-check error"):
            dataclasses.replace(batch, **wrong)
