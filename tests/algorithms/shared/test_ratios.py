"""Ratios between the policy and the policy that wrote the completions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from algorithms.shared.ratios import (
    Granularity,
    log_ratio_over_tokens,
    mean_log_ratio,
    sequence_log_ratio,
    token_log_ratio,
)
from tests.algorithms.batches import Example, examples, three_sequences


def test_the_ratio_of_a_completion_is_the_product_over_its_tokens() -> None:
    case = three_sequences()
    log_ratio = sequence_log_ratio(case.logprobs, case.batch.behaviour_logprobs, case.batch.mask)
    assert log_ratio.exp().tolist() == pytest.approx([0.904837, 0.496585, 2.013753], abs=5e-7)


def test_the_length_normalised_ratio_is_its_geometric_mean() -> None:
    case = three_sequences()
    log_ratio = mean_log_ratio(case.logprobs, case.batch.behaviour_logprobs, case.batch.mask)
    assert log_ratio.tolist() == pytest.approx([-0.05, -0.7 / 3, 0.175])


@given(
    st.lists(st.floats(-30, 0, width=32), min_size=1, max_size=40),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_the_ratio_is_exactly_one_where_pi_equals_mu(
    logprobs: list[float], dtype: torch.dtype
) -> None:
    row = torch.tensor([logprobs], dtype=dtype)
    mask = torch.ones_like(row, dtype=torch.bool)
    assert sequence_log_ratio(row, row.clone(), mask).exp().item() == 1.0
    assert mean_log_ratio(row, row.clone(), mask).exp().item() == 1.0


@given(examples(), st.sampled_from([math.nan, math.inf, -1e30]))
@pytest.mark.parametrize("granularity", ["sequence", "length_normalised", "token"])
def test_garbage_in_masked_positions_changes_no_ratio_and_no_gradient(
    granularity: Granularity, case: Example, garbage: float
) -> None:
    results = []
    for variant in (case, case.garbled(garbage)):
        logprobs = variant.logprobs.clone().requires_grad_()
        log_ratio = log_ratio_over_tokens(
            logprobs,
            variant.batch.behaviour_logprobs,
            variant.batch.mask,
            granularity=granularity,
        )
        results += [log_ratio.detach(), *torch.autograd.grad(log_ratio.exp().sum(), logprobs)]
    assert torch.equal(results[0], results[2])
    assert torch.equal(results[1], results[3])


def test_each_granularity_gives_every_token_the_ratio_that_it_belongs_to() -> None:
    case = three_sequences().only(1)
    logs: dict[Granularity, list[float]] = {
        "sequence": [-0.7, -0.7, -0.7, 0.0],
        "length_normalised": [-0.7 / 3, -0.7 / 3, -0.7 / 3, 0.0],
        "token": [-0.5, -0.4, 0.2, 0.0],
    }
    for granularity, expected in logs.items():
        log_ratio = log_ratio_over_tokens(
            case.logprobs, case.batch.behaviour_logprobs, case.batch.mask, granularity=granularity
        )
        assert log_ratio[0].tolist() == pytest.approx(expected)


def test_half_precision_is_widened_before_the_subtraction() -> None:
    policy = torch.tensor([[-100.0]], dtype=torch.bfloat16)
    behaviour = torch.tensor([[-0.125]], dtype=torch.bfloat16)
    mask = torch.ones(1, 1, dtype=torch.bool)
    # Eight bits of mantissa would round the difference to -100.
    assert token_log_ratio(policy, behaviour, mask).item() == -99.875
