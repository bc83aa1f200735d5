"""ReLU perceptrons on a CPU with AVX-512: products by oneDNN, forward and backward by hand.

A small network is its products. PyTorch hands those of float32 to MKL, which on AMD's processors
leaves half of the core unused (95 of 200 GFLOP/s on Zen 5); oneDNN, in the same wheel, does not
ask who made the processor. PyTorch reaches it through an operator without a backward pass. Long
batches pass all layers in blocks of rows whose activations stay in the cache.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK_ROWS = 512
"""Rows that pass all layers together; 256 and 1024 were slower (CQL's 7,680 rows, width 256)."""
LEAST_WORK = 2**15
"""Rows times width from which on these products outweigh the calls: 128 rows at a width of 256."""
NARROW = 32
"""Weights with fewer columns than this have gradients that are cheaper computed transposed."""

_AVAILABLE: bool = (
    torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    and torch.backends.cpu.get_cpu_capability() == "AVX512"
)


def pays(inputs: Float[Tensor, "S N I"], width: int) -> bool:
    """Return whether perceptrons of this width had better be computed here.

    Few rows or narrow layers, as where one policy acts, are faster by PyTorch's own products.
    """
    fits = inputs.device.type == "cpu" and inputs.dtype == torch.float32
    return _AVAILABLE and fits and inputs.shape[1] * width >= LEAST_WORK


def relu_perceptrons(
    inputs: Float[Tensor, "S N I"],
    weights: Sequence[Float[Tensor, "M _ _"]],
    biases: Sequence[Float[Tensor, "M 1 _"]],
) -> Float[Tensor, "M N O"]:
    """Return the outputs of M perceptrons; member m reads the inputs m modulo S.

    Gradients reach inputs, and all weights and biases or none of them, once.
    """
    found: Tensor = _ReluPerceptrons.apply(inputs, *weights, *biases)  # type: ignore[no-untyped-call]
    return found


class _ReluPerceptrons(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, *parameters: Tensor) -> Tensor:
        layers = len(parameters) // 2
        weights, biases = _members(parameters[:layers]), _members(parameters[layers:])
        blocks = torch.split(inputs, BLOCK_ROWS, dim=1)
        passes = [
            [_activations(block[place % len(inputs)], weight, bias) for block in blocks]
            for place, (weight, bias) in enumerate(zip(weights, biases, strict=True))
        ]
        outputs = [activations.pop() for member in passes for activations in member]
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(inputs, *parameters[:layers])
            ctx.passes = passes
        return _joined(outputs).view(len(weights), inputs.shape[1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, *weights = ctx.saved_tensors
        to_inputs, to_weights = ctx.needs_input_grad[:2]
        of_inputs: list[list[Tensor]] = [[] for _ in inputs]
        of_parameters = []
        for place, (weight, passes) in enumerate(zip(_members(weights), ctx.passes, strict=True)):
            parts = torch.split(gradient[place], BLOCK_ROWS)
            blocks = [
                _gradients(part, activations, weight, (to_inputs, to_weights))
                for part, activations in zip(parts, passes, strict=True)
            ]
            of_inputs[place % len(inputs)].append(_joined([each.pop() for each in blocks]))
            of_parameters.append([_sum(each) for each in zip(*blocks, strict=True)])
        first = _stacked([_sum(each) for each in of_inputs]) if to_inputs else None
        if not to_weights:
            return first, *[None] * (2 * len(weights))
        return first, *(_stacked(each) for each in zip(*of_parameters, strict=True))


def _joined(blocks: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(blocks)) if len(blocks) > 1 else blocks[0]


def _stacked(members: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(members)) if len(members) > 1 else members[0].unsqueeze(0)


def _sum(terms: Sequence[Tensor]) -> Tensor:
    """Return the sum; the first term becomes it."""
    total = terms[0]
    for term in terms[1:]:
        total.add_(term)
    return total


def _members(stacked: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """Return the tensors of each member."""
    return list(zip(*(each.unbind() for each in stacked), strict=True))


def _activations(
    inputs: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]
) -> list[Tensor]:
    """Return the inputs of each layer of one perceptron, and its outputs."""
    found = [inputs]
    last = len(weights) - 1
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        found.append(_affine(found[-1], weight, bias[0], relu=layer < last))
    return found


def _gradients(
    gradient: Tensor,
    activations: Sequence[Tensor],
    weights: Sequence[Tensor],
    wanted: tuple[bool, bool],
) -> list[Tensor]:
    """Return the gradients of one perceptron's weights, its biases and, last, its inputs.

    Args:
        wanted: Whether those of the inputs are, and those of weights and biases.
    """
    to_inputs, to_weights = wanted
    of_weights: list[Tensor] = []
    of_biases: list[Tensor] = []
    for layer in reversed(range(len(weights))):
        if to_weights:
            of_weights.append(_weight_gradient(activations[layer], gradient))
            of_biases.append(gradient.sum(dim=0, keepdim=True))
        if layer or to_inputs:
            gradient = _input_gradient(gradient, weights[layer])
        if layer:
            torch.ops.aten.threshold_backward.grad_input(
                gradient, activations[layer], 0, grad_input=gradient
            )
    return [*reversed(of_weights), *reversed(of_biases), gradient]


def _affine(inputs: Tensor, weight: Tensor, bias: Tensor, *, relu: bool) -> Tensor:
    if weight.shape[1] == 1:
        made = torch.addmm(bias, inputs, weight)
        return made.relu_() if relu else made
    return _product(inputs, weight.t(), bias, "relu" if relu else "none")


def _input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    if weight.shape[1] == 1:
        return torch.mm(gradient, weight.t())
    return _product(gradient, weight)


def _weight_gradient(inputs: Tensor, gradient: Tensor) -> Tensor:
    if gradient.shape[1] < NARROW:
        return torch.mm(gradient.t(), inputs).t()
    return _product(inputs.t(), gradient.t())


def _product(
    left: Float[Tensor, "N I"],
    right: Float[Tensor, "O I"],
    bias: Float[Tensor, " O"] | None = None,
    activation: str = "none",
) -> Float[Tensor, "N O"]:
    """Return the activation of left right^T + bias."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise.default(  # noqa: SLF001 - has no public name
        left, right, bias, activation, (), ""
    )
    return found
