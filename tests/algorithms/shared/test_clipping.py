"""Masks at their edges, and M2PO's selection against a search by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.shared.clipping import (
    inside,
    one_side,
    ppo_objective,
    ring,
    within_second_moment,
)


def row(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def kept(mask: Tensor) -> list[int]:
    found: list[int] = mask.int().flatten().tolist()
    return found


def test_one_side_stops_only_what_has_moved_in_its_favour() -> None:
    ratios = row([0.5, 1, 1.5] * 3)
    signs = row([1.0] * 3 + [-1.0] * 3 + [0.0] * 3)
    assert kept(one_side(ratios, signs, low=0.2, high=0.2)) == [1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_bounds_of_the_band_belong_to_it() -> None:
    assert kept(inside(row([0.5, 0.49, 2.0, 2.01]), low=0.5, high=1.0)) == [1, 0, 1, 0]


def test_a_ring_keeps_what_the_update_brings_back() -> None:
    ratios = row([0.1, 0.3, 0.6, 1.0, 2.0, 4.0] * 2)
    signs = row([1.0] * 6 + [-1.0] * 6)
    found = kept(ring(ratios, signs, inner=(0.2, 0.2), outer=(0.6, 2.0)))
    assert found == [1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1]


def test_the_dual_clip_bounds_a_negative_whose_ratio_explodes() -> None:
    log_ratio = row([math.log(2.9), math.log(3.1), 500.0]).requires_grad_()
    objective, acts = ppo_objective(log_ratio, row([-2.0] * 3), low=0.2, high=0.2, dual=3.0)
    assert objective.tolist()[0] == pytest.approx([-5.8, -6, -6])
    assert kept(acts) == [1, 0, 0]
    (gradient,) = torch.autograd.grad(objective.sum(), log_ratio)
    assert gradient.tolist()[0] == pytest.approx([-5.8, 0, 0])


def test_a_clip_of_a_whole_unit_has_no_lower_bound() -> None:
    _, acts = ppo_objective(row([-50.0]), row([-1.0]), low=1.0, high=0.2)
    assert kept(acts) == [1]


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=12), st.floats(0.001, 2))
def test_the_second_moment_of_what_stays_is_small_and_one_more_would_be_too_many(
    values: list[float], largest: float
) -> None:
    log_ratio = row(values)
    chosen = within_second_moment(log_ratio, torch.ones(1, len(values)).bool(), largest=largest)
    squares = log_ratio**2
    left = squares[chosen]
    assert not len(left) or left.mean() <= largest * (1 + 1e-12)
    rest = squares[~chosen]
    if len(rest):
        assert rest.min() > (left.max() if len(left) else -1)
        tied = rest[rest == rest.min()]
        assert torch.cat([left, tied]).mean() > largest * (1 - 1e-12)


def test_tokens_that_do_not_count_always_stay() -> None:
    counted = torch.tensor([[True, False, True]])
    chosen = within_second_moment(row([3.0, 9.0, 0.1]), counted, largest=0.04)
    assert kept(chosen) == [0, 1, 1]


def test_without_counted_tokens_everything_stays() -> None:
    chosen = within_second_moment(row([3.0, 9.0]), torch.zeros(1, 2).bool(), largest=0.04)
    assert kept(chosen) == [1, 1]
