"""The statistics of every training, whole and in micro-batches."""

import math

import pytest
import torch
from hypothesis import given

from algorithms.shared.metrics import BatchStatistics
from tests.algorithms.batches import Example, example, examples, ratios, three_sequences


def measured(case: Example) -> dict[str, float]:
    statistics = BatchStatistics.measure(case.logprobs, case.batch)
    return statistics.reward_figures() | statistics.ratio_figures()


def test_the_figures_of_the_three_sequences_are_those_worked_by_hand() -> None:
    assert measured(three_sequences()) == pytest.approx(
        {
            "reward_mean": -1 / 3,
            "positive_share": 1 / 3,
            "mean_logprob_positive": -0.75,
            "mean_logprob_negative": -(0.9 + 0.25) / 2,
            "ratio_mean": (math.exp(-0.1) + math.exp(-0.7) + math.exp(0.7)) / 3,
            "ratio_max": math.exp(0.7),
            "kl_behaviour": 0.1 / 3,
        }
    )


def test_a_reward_of_zero_is_not_positive() -> None:
    """With rewards 1 and 0, the share of positives is the share that is correct."""
    figures = measured(example([1, 0], policy=[[-1.0], [-3.0]], behaviour=[[-1.0], [-1.0]]))
    assert figures["positive_share"] == 0.5
    assert figures["mean_logprob_negative"] == -3


@given(examples(rewards=(-1.0, 0.0, 1.0)))
def test_micro_batches_add_up_to_the_batch(case: Example) -> None:
    parts = [case.only(i) for i in range(len(case.batch.rewards))]
    total, *rest = [BatchStatistics.measure(part.logprobs, part.batch) for part in parts]
    for part in rest:
        total += part
    assert total.reward_figures() | total.ratio_figures() == pytest.approx(measured(case))


@given(examples())
def test_on_policy_every_ratio_is_one_and_the_divergence_zero(case: Example) -> None:
    figures = measured(case.on_policy())
    assert (figures["ratio_mean"], figures["ratio_max"], figures["kl_behaviour"]) == (1, 1, 0)


@given(examples())
def test_garbage_in_masked_positions_changes_no_figure(case: Example) -> None:
    assert measured(case.garbled(math.nan)) == measured(case)


@given(examples())
def test_the_mean_ratio_is_plain_arithmetic(case: Example) -> None:
    x = ratios(case)
    assert measured(case)["ratio_mean"] == pytest.approx(sum(x) / len(x))


@pytest.mark.parametrize(
    ("reward", "absent"), [(1, "mean_logprob_negative"), (-1, "mean_logprob_positive")]
)
def test_a_sign_that_is_not_in_the_batch_has_no_figure(reward: int, absent: str) -> None:
    assert absent not in measured(example([reward], policy=[[-1.0]], behaviour=[[-1.0]]))


def test_a_runaway_ratio_is_logged_as_a_finite_number() -> None:
    figures = measured(example([1], policy=[[0.0]], behaviour=[[-5000.0]]))
    assert figures["ratio_max"] == pytest.approx(math.exp(80))
    assert figures["kl_behaviour"] == pytest.approx(-5000)
    assert all(math.isfinite(value) for value in figures.values())


def test_half_precision_log_probabilities_are_measured_too() -> None:
    case = three_sequences()
    statistics = BatchStatistics.measure(case.logprobs.to(torch.bfloat16), case.batch)
    assert statistics.ratio_figures()["ratio_max"] == pytest.approx(math.exp(0.7), rel=0.02)
