"""The gradient coefficient that the gallery draws; T1's values are in test_paper_vectors."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from algorithms.base import CompletionBatch, LossOutput, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.llm import ppo, reinforce, topr
from algorithms.shared.batches import whole_batch
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import example


def clipped(low: float, high: float) -> Callable[[float, float], float]:
    """Return PPO's objective min(x R, [x]_{1-low}^{1+high} R), of log x and R."""

    def objective(log_x: float, reward: float) -> float:
        x = math.exp(log_x)
        return min(x * reward, max(min(x, 1 + high), 1 - low) * reward)

    return objective


def masked(low: float, high: float) -> Callable[[float, float], float]:
    """Return what one-side clipping without importance weight maximises."""
    lowest, highest = math.log(1 - low), math.log(1 + high)
    return lambda log_x, r: r * (min(log_x, highest) if r >= 0 else max(log_x, lowest))


def tapered(floor: float, cap: float | None) -> Callable[[float, float], float]:
    """Return R rho(x; a, b) of TOPR's equation 6."""

    def objective(log_x: float, reward: float) -> float:
        t = min(log_x, math.inf if cap is None else math.log(cap))
        t = max(t, math.log(floor) if floor else -math.inf)
        return reward * math.exp(t) * (1 + log_x - t)

    return objective


def within(low: float, high: float) -> Callable[[float, float], float]:
    """Return what is pushed inside a band of ratios only."""
    return lambda log_x, r: r * min(max(log_x, math.log(low)), math.log(high))


def softplus(value: float) -> float:
    return math.log1p(math.exp(value))


def gated(log_x: float, r: float) -> float:
    tau = 1.0 if r > 0 else 1.05
    return r * 4 / tau / (1 + math.exp(-tau * (math.exp(log_x) - 1)))


def returning(log_x: float, r: float) -> float:
    """Ring, NoIS: inside 0.8 to 1.2, or below 0.4 (R > 0), or above 3 (R < 0)."""
    inner = min(max(log_x, math.log(0.8)), math.log(1.2))
    if r > 0:
        return r * (inner + min(log_x, math.log(0.4)))
    return r * (inner + max(log_x, math.log(3)))


Surrogate = tuple[str, dict[str, object], Callable[[float, float], float]]

SURROGATES: list[Surrogate] = [
    ("sft", {}, lambda log_x, _: log_x),
    ("positives", {}, lambda log_x, r: log_x * max(r, 0)),
    ("reinforce", {"baseline": 0.3}, lambda log_x, r: log_x * (r - 0.3)),
    ("importance_sampling", {"baseline": 0.3}, lambda log_x, r: math.exp(log_x) * (r - 0.3)),
    ("tis", {}, tapered(0, 1)),
    ("topr", {}, lambda log_x, r: tapered(1 if r >= 0 else 0, 1)(log_x, r)),
    ("ppo", {}, clipped(0.2, 0.2)),
    ("ppo", {"ratio_granularity": "token", "clip_high": 0.3}, clipped(0.2, 0.3)),
    ("grpo", {}, clipped(0.2, 0.2)),
    ("rloo", {}, lambda log_x, r: log_x * r),
    ("rloo", {"clip": 0.2}, clipped(0.2, 0.2)),
    ("asymre", {}, lambda log_x, r: log_x * r),
    ("red_drop", {}, lambda log_x, r: log_x * r),
    ("red_weight", {"temperature": 2.0}, lambda log_x, r: math.exp(r / 2) * r * log_x),
    ("sppo", {}, within(1 / 1.3, 1.3)),
    ("cispo", {}, tapered(0, 1.28)),
    ("cispo", {"clip_low": 0.2}, tapered(0.8, 1.28)),
    ("gspo", {"clip_low": 0.2, "clip_high": 0.3}, clipped(0.2, 0.3)),
    ("sapo", {}, gated),
    ("m2po", {}, clipped(1 - math.exp(-0.2), math.exp(0.2) - 1)),
    ("m2po", {"counted": "all"}, lambda x, r: r * math.exp(min(max(x, -0.2), 0.2))),
    ("opmd", {"temperature": 0.4}, lambda log_x, r: r * log_x - 0.2 * log_x**2),
    ("opmd", {"form": "token_k2"}, lambda log_x, r: r * log_x - 0.1 * log_x**2),
    ("opmd", {"form": "simple", "temperature": 1.0}, lambda log_x, r: r * log_x / 2),
    ("opmd", {"form": "pairwise", "temperature": 0.4}, lambda x, r: -((2 * r - 0.4 * x) ** 2) / 2),
    ("dpo", {}, lambda log_x, r: -softplus(-math.copysign(0.1, r) * log_x)),
    ("rec", {}, masked(0.2, 0.2)),
    ("rec", {"clip_low": 0.6, "clip_high": 2.0}, masked(0.6, 2.0)),
    ("rec", {"weight": "importance_sampling"}, clipped(0.2, 0.2)),
    ("rec", {"clip": "two_side"}, within(0.8, 1.2)),
    ("rec", {"clip": "ring"}, returning),
    ("rec", {"clip": "none", "weight": "truncated"}, tapered(0.4, 3.0)),
    ("rec", {"clip": "none", "regulariser": "k2"}, lambda x, r: r * x - 0.1 * x**2),
    ("rec", {"clip": "none", "regulariser": "k2_sequence"}, lambda x, r: r * x - 0.05 * x**2),
    ("rec", {"clip": "none", "regulariser": "forward_kl"}, lambda log_x, r: (r + 0.1) * log_x),
    ("grpo", {"reference_kl": "k2", "reference_kl_coefficient": 0.3, "clip_low": 1.0,
              "clip_high": 100.0}, lambda x, r: r * math.exp(x) - 0.15 * x**2),
]  # fmt: skip
"""Per algorithm and settings, what it maximises as a function of log x and R (the advantage)."""

BENDS = [0.0, 0.2, -0.2, *(math.log(x) for x in (0.4, 0.8, 1.2, 1.28, 1.3, 1 / 1.3, 3))]


@settings(max_examples=10)
@given(
    st.floats(-4, 4).filter(lambda value: all(abs(value - bend) > 1e-3 for bend in BENDS)),
    st.sampled_from([1.0, -1.0, 0.5, -2.0]),
)
@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda row: f"{row[0]}-{row[1]}")
def test_it_is_the_finite_difference_of_what_the_papers_maximise(
    surrogate: Surrogate, log_ratio: float, reward: float
) -> None:
    (name, given_settings, objective), step = surrogate, 1e-5
    slope = (objective(log_ratio + step, reward) - objective(log_ratio - step, reward)) / (2 * step)
    algorithm = ALGORITHMS[name]
    params = algorithm.params.model_validate(given_settings)
    (c,) = gradient_coefficient(algorithm, params, [math.exp(log_ratio)], reward)
    assert c == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_every_algorithm_of_ours_has_a_surrogate() -> None:
    ours = {name for name, algorithm in ALGORITHMS.items() if algorithm.family != "Other"}
    assert {name for name, _, _ in SURROGATES} == ours


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
    wrongs: tuple[dict[str, Any], ...] = (
        {"rewards": torch.ones(3)},
        {"behaviour_logprobs": torch.zeros(2, 4)},
    )
    for wrong in wrongs:
        with pytest.raises(TypeError, match="Type-check error"):
            dataclasses.replace(batch, **wrong)
