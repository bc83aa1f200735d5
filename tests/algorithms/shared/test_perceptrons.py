"""Perceptrons by hand against autograd in float64."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from algorithms.shared import perceptrons
from algorithms.shared.networks import StackedMLP, TwinValues
from algorithms.shared.perceptrons import BLOCK_ROWS, relu_perceptrons

pytestmark = pytest.mark.skipif(not perceptrons._AVAILABLE, reason="This processor has no AVX-512.")

SIZES = {"narrow": (5, 48, 40, 3), "one output": (5, 40, 48, 1), "one layer": (6, 50)}
ROWS = {"one block": 7, "three blocks": 2 * BLOCK_ROWS + 5}


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def parameters(members: int, sizes: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    pairs = list(pairwise(sizes))
    weights = [drawn(members, i, o).div(i**0.5).requires_grad_() for i, o in pairs]
    return weights, [drawn(members, 1, o).requires_grad_() for _, o in pairs]


def exactly(inputs: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> list[Tensor]:
    """Return outputs and gradients of their weighted sum by autograd, in float64."""
    whole = [each.detach().double().requires_grad_() for each in (inputs, *weights, *biases)]
    layers = len(weights)
    hidden = whole[0].repeat(len(weights[0]) // len(inputs), 1, 1)
    for layer in range(layers):
        hidden = hidden @ whole[1 + layer] + whole[1 + layers + layer]
        hidden = hidden.relu() if layer < layers - 1 else hidden
    (hidden * drawn(*hidden.shape).double()).sum().backward()  # type: ignore[no-untyped-call]
    return [hidden, *(each.grad for each in whole if each.grad is not None)]


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("given", "members"), [(1, 1), (3, 3), (3, 6)])
def test_outputs_and_gradients_are_those_of_autograd(
    rows: int, sizes: tuple[int, ...], given: int, members: int
) -> None:
    weights, biases = parameters(members, sizes)
    # As in training: a view of wider rows.
    inputs = drawn(given, rows, sizes[0] + 4)[..., : sizes[0]].requires_grad_()
    outputs = relu_perceptrons(inputs, weights, biases)
    (outputs * drawn(*outputs.shape)).sum().backward()  # type: ignore[no-untyped-call]
    found = [outputs, *(each.grad for each in (inputs, *weights, *biases))]
    expected = exactly(inputs, weights, biases)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours is not None
        error = (ours - theirs).abs().max() / theirs.abs().max()
        assert error < 3e-6


def test_frozen_weights_let_gradients_through_to_the_inputs_only() -> None:
    weights, biases = parameters(2, SIZES["one output"])
    inputs = drawn(1, 7, 5).requires_grad_()
    frozen = [each.detach() for each in weights], [each.detach() for each in biases]
    relu_perceptrons(inputs, *frozen).sum().backward()  # type: ignore[no-untyped-call]
    learned = drawn(1, 7, 5).requires_grad_()
    relu_perceptrons(learned, weights, biases).sum().backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad, learned.grad, rtol=0, atol=0)
    assert weights[0].grad is not None


def test_inputs_that_need_no_gradient_get_none() -> None:
    weights, biases = parameters(1, SIZES["narrow"])
    inputs = drawn(1, 7, 5)
    relu_perceptrons(inputs, weights, biases).sum().backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is None
    assert all(each.grad is not None for each in (*weights, *biases))


def test_a_weight_changed_before_the_backward_pass_is_an_error() -> None:
    weights, biases = parameters(1, SIZES["narrow"])
    loss = relu_perceptrons(drawn(1, 7, 5), weights, biases).sum()
    with torch.no_grad():
        weights[1].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()  # type: ignore[no-untyped-call]


def test_a_network_is_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    twins = TwinValues((5, 256, 256), generators)
    actor = StackedMLP((5, 256, 3), generators, tanh_output=True)
    inputs = drawn(2, 128, 5)
    assert perceptrons.pays(inputs, 256)

    def figures() -> list[Tensor]:
        return [twins(inputs), twins.first(inputs), actor(inputs)]

    fast = figures()
    monkeypatch.setattr(perceptrons, "_AVAILABLE", False)
    for ours, plain in zip(fast, figures(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)


def test_one_row_is_left_to_plain_products_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    actor = StackedMLP((5, 256, 3), [torch.Generator().manual_seed(0)])
    found = actor(drawn(1, 1, 5))
    monkeypatch.setattr(perceptrons, "_AVAILABLE", False)
    assert torch.equal(found, actor(drawn(1, 1, 5)))


def test_a_member_is_the_same_alone_bit_for_bit() -> None:
    weights, biases = parameters(3, SIZES["narrow"])
    inputs = drawn(3, ROWS["three blocks"], 5)
    together = relu_perceptrons(inputs, weights, biases)
    alone = relu_perceptrons(
        inputs[1:2], [each[1:2] for each in weights], [each[1:2] for each in biases]
    )
    assert torch.equal(together[1:2], alone)
