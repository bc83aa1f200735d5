"""Means over the tokens that count."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from algorithms.shared.masking import masked_mean, masked_sum, token_counts

MASK = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
garbage = st.sampled_from([math.nan, math.inf, -math.inf, 1e30, -5.0])


def values(filler: float) -> torch.Tensor:
    return torch.where(MASK, torch.tensor([[1.0, 2.0, 9.0], [4.0, 9.0, 9.0], [9.0] * 3]), filler)


@given(garbage)
def test_garbage_in_masked_positions_changes_neither_value_nor_gradient(filler: float) -> None:
    inputs = values(filler).requires_grad_()
    means = masked_mean(inputs, MASK)
    assert means.tolist() == [1.5, 4.0, 0.0]
    (gradient,) = torch.autograd.grad(means.sum(), inputs)
    assert gradient.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_sums_and_counts_leave_masked_positions_out() -> None:
    assert masked_sum(values(math.nan), MASK).tolist() == [3.0, 4.0, 0.0]
    assert token_counts(MASK).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("given_type", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_widened_before_it_is_summed(
    given_type: torch.dtype, expected: torch.dtype
) -> None:
    many = torch.full((1, 1000), 0.1, dtype=given_type)
    mean = masked_mean(many, torch.ones(1, 1000, dtype=torch.bool))
    assert mean.dtype == expected
    assert mean.item() == pytest.approx(many[0, 0].item(), rel=1e-5)
