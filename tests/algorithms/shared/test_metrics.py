"""The figures of every training, whole and in micro-batches."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from algorithms.base import LossOutput
from algorithms.shared.metrics import BatchRecord, Measured
from algorithms.shared.train_metrics import TRAIN_GROUPS
from tests.algorithms.batches import Example, example, examples, ratios, three_sequences


def losses_of(case: Example, logprobs: Tensor) -> Tensor:
    """Return REINFORCE's losses, so that a completion's weight is its reward over the batch."""
    return -(case.batch.advantages * (logprobs * case.batch.mask).nan_to_num().sum(-1))


def record(
    cases: list[Example],
    *,
    weights: Tensor | None = None,
    kept: Tensor | None = None,
    entropies: Tensor | None = None,
    detailed: bool = True,
) -> Measured:
    """Return what is measured of micro-batches, each weighed by its completions."""
    found = BatchRecord(detailed=detailed, has_behaviour=True)
    total = sum(len(case.batch.rewards) for case in cases)
    for case in cases:
        logprobs = case.logprobs.clone().requires_grad_()
        output = LossOutput.of(losses_of(case, logprobs), {}, weights, kept)
        torch.autograd.backward(output.loss * (len(case.batch.rewards) / total))
        assert logprobs.grad is not None
        found.add(case.logprobs, case.batch, output, gradient=logprobs.grad, entropies=entropies)
    return found.measured()


def figures(
    case: Example,
    *,
    weights: Tensor | None = None,
    kept: Tensor | None = None,
    entropies: Tensor | None = None,
) -> dict[str, float]:
    return dict(record([case], weights=weights, kept=kept, entropies=entropies).figures)


def k3(*log_ratios: float) -> float:
    return sum(math.exp(d) - 1 - d for d in log_ratios)


def test_the_figures_of_the_three_sequences_are_those_worked_by_hand() -> None:
    found = figures(three_sequences())
    x = [math.exp(-0.1), math.exp(-0.7), math.exp(0.7)]
    expected = {
        # R is 1, -1, -1, and log pi of a completion -1.5, -2.7, -1.
        "loss": (1.5 - 2.7 - 1) / 3,
        "loss_positive": 1.5 / 3,
        "loss_negative": -3.7 / 3,
        "reward_mean": -1 / 3,
        "positive_share": 1 / 3,
        # The weight of a token is |reward|: 2 tokens push up, 3 and 4 push down.
        "effective_positive_share": 2 / 9,
        "drop_share": 0,
        "length_mean": 3,
        "length_max": 4,
        "mean_logprob_positive": -0.75,
        "mean_logprob_negative": -(0.9 + 0.25) / 2,
        "ratio_mean": sum(x) / 3,
        "ratio_max": x[2],
        "log_ratio_max": 0.7,
        "effective_sample_share": sum(x) ** 2 / sum(v**2 for v in x) / 3,
        "kl_behaviour": 0.1 / 3,
        "kl_behaviour_k3": (k3(-0.2, 0.1) + k3(-0.5, -0.4, 0.2) + k3(0.3, 0.1, 0.2, 0.1)) / 3,
        "positives_clipped_share": 0,
        "negatives_clipped_share": 0,
        "negatives_forgotten_share": 0,
        "log_ratio_p50_positive": -0.1,
        "log_ratio_p05_negative": -0.63,
        "log_ratio_p25_negative": -0.35,
        "log_ratio_p50_negative": 0,
        "log_ratio_p75_negative": 0.35,
        "log_ratio_p95_negative": 0.63,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_every_figure_is_declared() -> None:
    declared = {metric.name for group in TRAIN_GROUPS.values() for metric in group}
    case = three_sequences()
    with_reference = dataclasses.replace(
        case.batch,
        reference_logprobs=case.batch.behaviour_logprobs,
        prompt_index=torch.zeros(3, dtype=torch.long),
    )
    found = figures(Example(case.logprobs, with_reference), entropies=-case.logprobs)
    assert set(found) < declared
    assert {"kl_reference", "entropy", "zero_variance_share"} <= set(found)


def test_clipped_and_forgotten_completions_are_counted_by_the_sign_of_their_advantage() -> None:
    case = three_sequences()
    kept = torch.tensor([[True, False, True, True], [False] * 4, [True] * 4])
    weights = torch.tensor([[1.0] * 4, [0.009] * 4, [0.011] * 4])
    found = figures(case, kept=kept, weights=weights)
    assert found["positives_clipped_share"] == pytest.approx(1 / 2)
    assert found["negatives_clipped_share"] == pytest.approx(1 / 2)
    assert found["negatives_forgotten_share"] == pytest.approx(1 / 2)


def test_the_effective_share_follows_the_gradient() -> None:
    """One token each; advantages 1, -1/2, 0: the weight is 2/3 up, a third has none at all."""
    case = example([1, -0.5, 0], policy=[[-1.0]] * 3, behaviour=[[-1.0]] * 3)
    found = figures(case)
    assert found["effective_positive_share"] == pytest.approx(2 / 3)
    assert found["drop_share"] == pytest.approx(1 / 3)


def test_a_prompt_without_a_difference_is_one_whose_rewards_are_all_equal() -> None:
    """Prompt 0: 1, 1; prompt 1: 1, -1; prompt 2: a single completion, which says nothing."""
    case = example([1, 1, 1, -1, 1], policy=[[-1.0]] * 5, behaviour=[[-1.0]] * 5)
    batch = dataclasses.replace(case.batch, prompt_index=torch.tensor([0, 0, 1, 1, 2]))
    assert figures(Example(case.logprobs, batch))["zero_variance_share"] == 0.5
    assert "zero_variance_share" not in figures(case)


def test_the_divergence_from_the_reference_is_k3_of_reference_over_policy() -> None:
    case = example([1], policy=[[-1.0, -2.0]], behaviour=[[-1.0, -2.0]])
    reference = torch.tensor([[-1.5, -1.0]], dtype=torch.float64)
    batch = dataclasses.replace(case.batch, reference_logprobs=reference)
    found = figures(Example(case.logprobs, batch))
    assert found["kl_reference"] == pytest.approx(k3(-0.5, 1.0))


def test_entropy_is_a_mean_over_all_tokens() -> None:
    case = three_sequences()
    entropies = torch.tensor([[1.0] * 4, [2.0] * 4, [3.0] * 4])
    assert figures(case, entropies=entropies)["entropy"] == pytest.approx((2 + 6 + 12) / 9)


def test_a_reward_of_zero_is_not_positive() -> None:
    """With rewards 1 and 0, the share of positives is the share that is correct."""
    found = figures(example([1, 0], policy=[[-1.0], [-3.0]], behaviour=[[-1.0], [-1.0]]))
    assert found["positive_share"] == 0.5
    assert found["mean_logprob_negative"] == -3


@given(examples(rewards=(-1.0, 0.0, 1.0)))
def test_micro_batches_add_up_to_the_batch(case: Example) -> None:
    whole = record([case])
    parts = record([case.only(i) for i in range(len(case.batch.rewards))])
    assert dict(parts.figures) == pytest.approx(dict(whole.figures), abs=1e-9)
    assert parts.log_ratios.keys() == whole.log_ratios.keys()
    for key, values in whole.log_ratios.items():
        np.testing.assert_allclose(np.sort(parts.log_ratios[key]), np.sort(values), atol=1e-12)


@given(examples())
def test_on_policy_every_ratio_is_one_and_the_divergence_zero(case: Example) -> None:
    found = figures(case.on_policy())
    assert (found["ratio_mean"], found["ratio_max"], found["kl_behaviour"]) == (1, 1, 0)
    assert found["effective_sample_share"] == 1
    assert found["kl_behaviour_k3"] == 0


@given(examples())
def test_garbage_in_masked_positions_changes_no_figure(case: Example) -> None:
    clean, garbled = figures(case), figures(case.garbled(math.nan))
    assert {**garbled, "loss": 0} == {**clean, "loss": 0}


@given(examples())
def test_the_mean_ratio_is_plain_arithmetic(case: Example) -> None:
    x = ratios(case)
    assert figures(case)["ratio_mean"] == pytest.approx(sum(x) / len(x))


@given(examples())
def test_ratios_for_histograms_are_those_of_every_token_and_every_completion(
    case: Example,
) -> None:
    found = record([case]).log_ratios
    sequences = np.concatenate([found["sequence", s] for s in ("positive", "negative")])
    tokens = np.concatenate([found["token", s] for s in ("positive", "negative")])
    assert len(tokens) == int(case.batch.mask.sum())
    assert np.sort(np.exp(sequences)) == pytest.approx(sorted(ratios(case)))
    assert tokens.sum() == pytest.approx(sequences.sum(), abs=1e-9)
    assert record([case], detailed=False).log_ratios == {}


@pytest.mark.parametrize(
    ("reward", "absent"), [(1, "mean_logprob_negative"), (-1, "mean_logprob_positive")]
)
def test_a_sign_that_is_not_in_the_batch_has_no_figure(reward: int, absent: str) -> None:
    found = figures(example([reward], policy=[[-1.0]], behaviour=[[-1.0]]))
    assert absent not in found
    sign = absent.rpartition("_")[2]
    assert not {name for name in found if name.endswith(f"_{sign}") or f"{sign}s" in name}


def test_advantage_zero_is_on_neither_side_of_the_loss() -> None:
    case = example([1, 0, -2], policy=[[-1.0], [-2.0], [-4.0]], behaviour=[[-1.0]] * 3)
    found = figures(case)
    assert (found["loss_positive"], found["loss_negative"]) == pytest.approx((1 / 3, -8 / 3))


def test_a_loss_that_does_not_tell_its_parts_is_not_split() -> None:
    case = three_sequences()
    found = BatchRecord(detailed=False, has_behaviour=True)
    nothing = torch.zeros_like(case.logprobs)
    output = LossOutput(torch.tensor(1.0))
    found.add(case.logprobs, case.batch, output, gradient=nothing)
    assert not {"loss_positive", "loss_negative"} & set(found.measured().figures)


def test_a_runaway_ratio_is_logged_as_finite_numbers() -> None:
    found = figures(example([1], policy=[[0.0]], behaviour=[[-5000.0]]))
    assert found["ratio_max"] == pytest.approx(math.exp(80))
    assert found["kl_behaviour"] == pytest.approx(-5000)
    assert found["log_ratio_max"] == pytest.approx(5000)
    assert all(math.isfinite(value) for value in found.values())


def test_a_few_ratios_that_outweigh_all_others_leave_a_small_sample() -> None:
    case = example([1] * 4, policy=[[-1.0]] * 3 + [[500.0]], behaviour=[[-1.0]] * 4)
    assert figures(case)["effective_sample_share"] == pytest.approx(1 / 4)


def test_half_precision_log_probabilities_are_measured_too() -> None:
    case = three_sequences()
    half = Example(case.logprobs.to(torch.bfloat16), case.batch)
    assert figures(half)["ratio_max"] == pytest.approx(math.exp(0.7), rel=0.02)
