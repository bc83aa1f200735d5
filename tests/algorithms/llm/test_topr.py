"""What holds for TOPR and its neighbours on any batch (papers/topr.md 1.7)."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from algorithms.catalogue import ALGORITHMS
from algorithms.llm import positives, reinforce, tis, topr
from algorithms.shared.gradient import gradient_coefficient
from algorithms.shared.taper import taper_objective
from tests.algorithms.batches import Bandit, Example, example, examples, ratios, three_sequences

TOPR, TIS, POSITIVES = topr.ALGORITHM, tis.ALGORITHM, positives.ALGORITHM
REINFORCE = reinforce.ALGORITHM
CANONICAL = topr.Params()


def assert_same(left: torch.Tensor, right: torch.Tensor) -> None:
    torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-12)


@given(examples())
@pytest.mark.parametrize("name", ["topr", "tis", "ppo"])
def test_on_policy_every_corrected_gradient_is_that_of_reinforce(name: str, case: Example) -> None:
    algorithm, here = ALGORITHMS[name], case.on_policy()
    naive = here.gradient(REINFORCE, reinforce.Params())
    assert_same(here.gradient(algorithm, algorithm.params()), naive)


@given(st.floats(0, 1e6), st.floats(0.01, 10))
def test_positives_are_raised_at_full_strength_whatever_the_ratio(x: float, reward: float) -> None:
    assert gradient_coefficient(TOPR, CANONICAL, [x], reward) == pytest.approx([reward])


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=10))
def test_negative_coefficients_lie_between_0_and_1_and_grow_with_the_ratio(x: list[float]) -> None:
    weights = [-c for c in gradient_coefficient(TOPR, CANONICAL, sorted(x), -1.0)]
    assert weights == sorted(weights)
    assert all(0 <= weight <= 1 for weight in weights)


def test_a_negative_that_the_policy_has_left_is_forgotten() -> None:
    coefficients = gradient_coefficient(TOPR, CANONICAL, [1e-3, 1e-30, 0.0], -1.0)
    assert coefficients == pytest.approx([-1e-3, -1e-30, 0.0])


@given(examples())
def test_the_weight_carries_no_gradient(case: Example) -> None:
    """The gradient is -alpha R / (|y| B) on every token, alpha held fixed."""
    x = torch.tensor(ratios(case), dtype=torch.float64)
    rewards, mask = case.batch.rewards, case.batch.mask
    alpha = torch.where(rewards < 0, x.clamp(max=1), torch.ones_like(x))
    expected = -(alpha * rewards / mask.sum(-1) / len(x)).unsqueeze(-1) * mask
    assert_same(case.gradient(TOPR, CANONICAL), expected)


@given(examples())
def test_fine_tuning_on_positives_is_topr_without_the_negatives(case: Example) -> None:
    expected = case.gradient(POSITIVES, positives.Params())
    assert_same(case.gradient(TOPR, topr.Params(negative_ratio_max=0)), expected)
    assert_same(case.gradient(TOPR, topr.Params(baseline=-1)), 2 * expected)
    no_negatives = case.with_rewards(case.batch.rewards.clamp(min=0))
    assert_same(no_negatives.gradient(TOPR, CANONICAL), expected)


@given(examples())
def test_tis_and_topr_differ_only_on_positives_that_became_less_likely(case: Example) -> None:
    left = case.gradient(TOPR, CANONICAL)
    right = case.gradient(TIS, tis.Params())
    rows = (left - right).abs().amax(-1) > 1e-12
    faded = torch.tensor(ratios(case), dtype=torch.float64) < 1
    assert not (rows & ~((case.batch.rewards > 0) & faded)).any()


def test_tis_and_topr_do_differ_there() -> None:
    case = three_sequences().only(0)
    assert case.loss(TOPR, CANONICAL) != pytest.approx(case.loss(TIS, tis.Params()))


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_full_importance_sampling_is_the_true_gradient_of_the_expected_reward(
    logits: list[float],
) -> None:
    bandit = Bandit(behaviour=(0.5, 0.3, 0.2), rewards=(1, -1, 0.5))
    policy = torch.tensor(logits, dtype=torch.float64).softmax(-1)
    rewards = torch.tensor(bandit.rewards, dtype=torch.float64)
    true = policy * (rewards - (policy * rewards).sum())
    ascent = bandit.ascent(TIS, tis.Params(ratio_max=None), policy.tolist())
    assert ascent == pytest.approx(true.tolist(), abs=1e-12)


interval = st.tuples(st.floats(0, 2), st.floats(0.01, 2)).map(sorted)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), interval, interval)
def test_the_gradient_is_that_of_the_papers_objective(
    logits: list[float], for_positives: list[float], for_negatives: list[float]
) -> None:
    """For any a+ <= b+ and a- <= b-, through one-token completions and autograd on J."""
    (a_plus, b_plus), (a_minus, b_minus) = for_positives, for_negatives
    params = topr.Params(
        positive_ratio_min=a_plus,
        positive_ratio_max=b_plus,
        negative_ratio_min=a_minus,
        negative_ratio_max=b_minus,
    )
    bandit = Bandit(behaviour=(0.5, 0.3, 0.2), rewards=(1, -1, -2))
    policy = torch.tensor(logits, dtype=torch.float64).softmax(-1)
    variable = policy.log().requires_grad_()
    mu = torch.tensor(bandit.behaviour, dtype=torch.float64)
    rewards = torch.tensor(bandit.rewards, dtype=torch.float64)
    log_ratio = variable.log_softmax(-1) - mu.log()
    rho = torch.where(
        rewards >= 0,
        taper_objective(log_ratio, a_plus, b_plus),
        taper_objective(log_ratio, a_minus, b_minus),
    )
    (expected,) = torch.autograd.grad((mu * rho * rewards).sum(), variable)
    ascent = bandit.ascent(TOPR, params, policy.tolist())
    assert ascent == pytest.approx(expected.tolist(), abs=1e-9)


@given(examples(rewards=(-1.0, 0.0, 1.0)))
def test_a_reward_of_zero_moves_nothing(case: Example) -> None:
    gradient = case.gradient(TOPR, CANONICAL)
    assert not gradient[case.batch.rewards == 0].any()


def test_without_length_normalisation_every_token_counts_fully() -> None:
    case = three_sequences()
    tokens = case.batch.mask.sum(-1, keepdim=True)
    whole = case.gradient(TOPR, topr.Params(length_normalisation=False))
    assert_same(whole, case.gradient(TOPR, CANONICAL) * tokens)


def test_metrics_describe_the_weights_of_the_three_sequences() -> None:
    case = three_sequences()
    metrics = TOPR.loss(case.logprobs, case.batch, CANONICAL).metrics
    assert metrics["weight_mean"] == pytest.approx((1 + 0.496585 + 1) / 3, abs=1e-6)
    assert metrics["tapered_share"] == pytest.approx(2 / 3)
    assert metrics["forgotten_share"] == 0


def test_a_forgotten_negative_is_counted_and_a_forgotten_positive_is_not() -> None:
    case = three_sequences()
    far = dataclasses.replace(case, logprobs=case.logprobs - 5)
    metrics = TOPR.loss(far.logprobs, far.batch, CANONICAL).metrics
    assert metrics["forgotten_share"] == pytest.approx(2 / 3)


def test_a_reward_of_zero_counts_as_positive() -> None:
    """The paper's sign rule, R >= 0: without effect on the gradient, but not on the weights."""
    case = example([0], policy=[[-9.0]], behaviour=[[-1.0]])
    metrics = TOPR.loss(case.logprobs, case.batch, CANONICAL).metrics
    assert metrics["weight_mean"] == 1
    assert metrics["forgotten_share"] == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"positive_ratio_min": 2.0},
        {"negative_ratio_min": 1.5},
        {"negative_ratio_max": -0.1},
        {"baseline": 1.5},
        {"positive_ratio_max": float("inf")},
    ],
)
def test_bounds_that_make_no_interval_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        topr.Params.model_validate(settings)
