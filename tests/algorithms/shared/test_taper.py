"""The taper and the objective it is the gradient of; T2's values are in test_paper_vectors."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from algorithms.shared.taper import taper, taper_objective

log_ratios = st.floats(-20, 20)
Bounds = tuple[float, float | None]


def ordered(pair: Bounds) -> Bounds:
    a, b = pair
    return (a, None) if b is None else (min(a, b), max(a, b))


bounds = st.tuples(st.floats(0, 5), st.one_of(st.none(), st.floats(0, 5))).map(ordered)


def tensor(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@given(log_ratios, bounds)
def test_the_taper_is_the_clamped_ratio(log_ratio: float, bound: Bounds) -> None:
    a, b = bound
    expected = max(min(math.exp(log_ratio), math.inf if b is None else b), a)
    assert taper(tensor(log_ratio), a, b).item() == pytest.approx(expected, rel=1e-12)


@given(log_ratios, bounds)
def test_the_slope_of_the_objective_in_log_x_is_the_taper(log_ratio: float, bound: Bounds) -> None:
    a, b = bound
    step = 1e-4
    for bend in (a, b):
        # A central difference across a bend of the objective is not its slope.
        assume(not bend or abs(log_ratio - math.log(bend)) > 2 * step)
    above, below = (taper_objective(tensor(log_ratio + s), a, b).item() for s in (step, -step))
    slope = (above - below) / (2 * step)
    assert slope == pytest.approx(taper(tensor(log_ratio), a, b).item(), rel=1e-6, abs=1e-9)


@given(log_ratios, bounds)
def test_autograd_agrees_on_the_slope(log_ratio: float, bound: Bounds) -> None:
    a, b = bound
    assume(b != 0)
    variable = tensor(log_ratio).requires_grad_()
    (slope,) = torch.autograd.grad(taper_objective(variable, a, b), variable)
    assert slope.item() == pytest.approx(taper(variable, a, b).item(), rel=1e-9)


@given(log_ratios, bounds)
def test_the_objective_never_exceeds_the_ratio_and_equals_it_within_the_bounds(
    log_ratio: float, bound: Bounds
) -> None:
    a, b = bound
    x = math.exp(log_ratio)
    rho = taper_objective(tensor(log_ratio), a, b).item()
    assert rho <= x * (1 + 1e-12)
    if a <= x <= (math.inf if b is None else b):
        assert rho == pytest.approx(x, rel=1e-12)


def test_the_taper_carries_no_gradient() -> None:
    assert not taper(tensor(-0.3).requires_grad_(), 0, 1).requires_grad


def test_a_ratio_too_large_for_a_float_is_capped_and_not_infinite() -> None:
    log_ratio = torch.tensor([1e4, -1e4, math.inf])
    assert taper(log_ratio, 0, 1).tolist() == [1, 0, 1]
    assert taper(log_ratio, 1, 1).tolist() == [1, 1, 1]
    assert taper_objective(log_ratio[:1], 0, 1).item() == pytest.approx(1 + 1e4)


def test_a_cap_of_zero_drops_the_sample() -> None:
    log_ratio = torch.tensor([-1.0, 0.0, 5.0])
    assert taper(log_ratio, 0, 0).tolist() == [0, 0, 0]
    assert taper_objective(log_ratio, 0, 0).tolist() == [0, 0, 0]


@pytest.mark.parametrize("bound", [(-0.1, 1.0), (2.0, 1.0), (0.5, 0.0)])
def test_bounds_out_of_order_are_refused(bound: tuple[float, float]) -> None:
    for function in (taper, taper_objective):
        with pytest.raises(ValueError, match="0 <= a <= b"):
            function(tensor(0.0), *bound)
