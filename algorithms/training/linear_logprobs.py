"""log-softmax of a linear layer at chosen tokens, without ever holding [tokens x vocabulary].

What a language model's last layer makes of hidden states is the largest tensor of a training
step: at 49,152 tokens of vocabulary, 8,000 completion tokens have 1.6 GB of logits, and plain
autograd keeps several of them. Here logits exist for a chunk of tokens at a time. The forward
pass keeps one number per token, the logarithm of the normaliser; the backward pass computes each
chunk's logits again (cut-cross-entropy, arXiv:2411.09009, does the same per tile; liger-kernel
computes the gradient in the forward pass instead, which needs a loss that is known there).

Tokens without a gradient (clipped, tapered away, masked out) cost nothing in the backward pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

_CHUNK_BYTES = {"cpu": 64 * 2**20, "cuda": 512 * 2**20}
"""Memory of one chunk of logits in float32, by type of device."""
_CACHE_BYTES = 2 * 2**20
"""Float32 numbers that a CPU works on at a time: they should stay in its cache."""
_MOST_ROWS = 4096
"""Tokens of one step of the backward pass, which goes through the vocabulary in blocks."""
ROWS = 16
"""Matrices are filled up to a multiple of this: vector units then meet no remainder, so that a
token's bits do not depend on how many stand beside it."""


@dataclass(frozen=True)
class Head:
    """How a model makes logits of hidden states: softcap(scale * (W h + b))."""

    weight: Float[Tensor, "V D"]
    bias: Float[Tensor, " V"] | None = None
    scale: float = 1.0
    softcap: float | None = None
    """Logits are cap * tanh(logits / cap), as in Gemma 2; None leaves them."""

    def products(
        self, hidden: Float[Tensor, "c D"], weight: Float[Tensor, "v D"]
    ) -> Float[Tensor, "c v"]:
        """Return W h, for some of the vocabulary; in float32 where the device can."""
        return _product(hidden, weight.t())

    def finish(self, products: Float[Tensor, "c v"], where: slice) -> Float[Tensor, "c v"]:
        """Return logits in float32 for W h of a part of the vocabulary, in place if it can."""
        logits = products.float()
        if self.bias is not None:
            logits += self.bias[where].float()
        if self.scale != 1.0:
            logits *= self.scale
        if self.softcap is not None:
            logits = logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits

    def through(self, gradient: Float[Tensor, "c v"], logits: Float[Tensor, "c v"]) -> None:
        """Turn the gradient of `logits` into that of W h + b, in place; spoils `logits`."""
        if self.softcap is not None:
            gradient *= logits.div_(self.softcap).square_().neg_().add_(1.0)
        if self.scale != 1.0:
            gradient *= self.scale


def linear_logprobs(
    hidden: Float[Tensor, "n D"],
    targets: Int[Tensor, " n"],
    head: Head,
    *,
    compute: torch.dtype = torch.float32,
    entropy: bool = False,
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"] | None]:
    """Return log softmax(head(hidden))[targets] and, on request, the entropy of that softmax.

    Both in nats and float32; the entropy carries no gradient.

    Args:
        compute: precision of the matrix products; logarithms and sums are in float32.
    """
    logprobs, spread = _LinearLogprobs.apply(  # type: ignore[no-untyped-call]
        hidden, head.weight, head.bias, targets, head, compute, entropy
    )
    return logprobs, spread if entropy else None


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right; on a GPU in float32 whatever its factors are, so that sums of such
    products are rounded once. CPUs have no such product: theirs is rounded to the factors' type.
    """
    if left.is_cuda and left.dtype != torch.float32:
        return torch.mm(left, right, out_dtype=torch.float32)
    return torch.mm(left, right)


def chunk_rows(vocabulary: int, device: torch.device) -> int:
    """Return how many tokens' logits the forward pass holds at a time."""
    return max(ROWS, _budget(device) // (4 * vocabulary) // ROWS * ROWS)


def _budget(device: torch.device) -> int:
    return _CHUNK_BYTES.get(device.type, _CHUNK_BYTES["cpu"])


def _pieces(matrix: Tensor) -> Iterator[slice]:
    """Yield rows of a matrix that a CPU's cache holds; all of them on a GPU."""
    rows = len(matrix)
    if not matrix.is_cuda:
        rows = max(ROWS, _CACHE_BYTES // (4 * matrix.shape[1]) // ROWS * ROWS)
    for start in range(0, len(matrix), rows):
        yield slice(start, start + rows)


def _filled(values: Tensor) -> Tensor:
    """Return the rows with zero rows behind, up to a multiple of ROWS."""
    missing = -len(values) % ROWS
    if missing == 0:
        return values
    return torch.cat([values, values.new_zeros(missing, *values.shape[1:])])


class _LinearLogprobs(torch.autograd.Function):
    """See `linear_logprobs`."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd functions take positional arguments only
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        _bias: Tensor | None,
        targets: Tensor,
        head: Head,
        compute: torch.dtype,
        entropy: bool,
    ) -> tuple[Tensor, Tensor]:
        rows = chunk_rows(len(weight), hidden.device)
        matrix = weight.to(compute)
        logprobs = hidden.new_empty(len(hidden), dtype=torch.float32)
        normaliser = torch.empty_like(logprobs)
        spread = torch.empty_like(logprobs) if entropy else logprobs.new_empty(0)
        everything = slice(None)
        for start in range(0, len(hidden), rows):
            products = head.products(_filled(hidden[start : start + rows]).to(compute), matrix)
            for piece in _pieces(products):
                part = slice(start + piece.start, min(start + piece.stop, start + rows))
                count = len(targets[part])
                logits = head.finish(products[piece], everything)
                chosen = logits[:count].gather(1, targets[part].unsqueeze(-1)).squeeze(-1)
                largest = logits.amax(dim=-1)
                logits -= largest.unsqueeze(-1)
                shares = logits.exp() if entropy else logits.exp_()
                total = shares.sum(dim=-1)
                log_total = total.log()
                normaliser[part] = (largest + log_total)[:count]
                logprobs[part] = (chosen - largest[:count]) - log_total[:count]
                if entropy:
                    mean = torch.linalg.vecdot(shares, logits) / total
                    spread[part] = (log_total - mean)[:count]
        ctx.save_for_backward(hidden, weight, targets, normaliser)
        ctx.head, ctx.compute = head, compute
        ctx.mark_non_differentiable(spread)
        return logprobs, spread

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _spread: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, targets, normaliser = ctx.saved_tensors
        sums = _Sums(ctx, hidden, weight)
        alive = gradient.nonzero().squeeze(-1)
        for index in torch.split(alive, _MOST_ROWS):
            inputs = hidden[index].to(ctx.compute)
            size = max(ROWS, _budget(hidden.device) // (4 * max(1, len(index))))
            for start in range(0, len(weight), size):
                block = slice(start, start + size)
                matrix = weight[block].to(ctx.compute)
                slope = ctx.head.products(inputs, matrix)
                for piece in _pieces(slope):
                    rows = index[piece]
                    among = _Among(targets[rows], normaliser[rows], gradient[rows])
                    slope[piece] = among.slope(ctx.head, slope[piece], block)
                slope = slope.to(ctx.compute)
                sums.add_hidden(index, slope, matrix)
                sums.add_weight(block, slope, inputs)
        return *sums.like(hidden, weight, ctx.head.bias), None, None, None, None


@dataclass(frozen=True)
class _Among:
    """Some tokens in the backward pass."""

    targets: Int[Tensor, " c"]
    normaliser: Float[Tensor, " c"]
    gradient: Float[Tensor, " c"]
    """Of their log-probabilities."""

    def slope(
        self, head: Head, products: Float[Tensor, "c v"], block: slice
    ) -> Float[Tensor, "c v"]:
        """Return the gradient of W h + b for a block of the vocabulary, from W h."""
        logits = head.finish(products, block)
        curved = head.softcap is not None
        slope = logits - self.normaliser.unsqueeze(-1) if curved else logits
        if not curved:
            slope -= self.normaliser.unsqueeze(-1)
        slope = slope.exp_().mul_(-self.gradient.unsqueeze(-1))
        column = self.targets - block.start
        inside = ((column >= 0) & (column < slope.shape[1])).nonzero().squeeze(-1)
        slope[inside, column[inside]] += self.gradient[inside]
        head.through(slope, logits)
        return slope


class _Sums:
    """The gradients of hidden states, weight and bias, in float32, where they are wanted."""

    def __init__(self, ctx: Any, hidden: Tensor, weight: Tensor) -> None:
        wanted = ctx.needs_input_grad
        zeros = partial(torch.zeros_like, dtype=torch.float32)
        self.hidden = zeros(hidden) if wanted[0] else None
        self.weight = zeros(weight) if wanted[1] else None
        self.bias = zeros(ctx.head.bias) if wanted[2] else None

    def like(self, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients in the types of what they are gradients of."""
        sums = zip((self.hidden, self.weight, self.bias), inputs, strict=True)
        return tuple(None if s is None or x is None else s.to(x.dtype) for s, x in sums)

    def add_hidden(self, index: Tensor, slope: Tensor, matrix: Tensor) -> None:
        """Add what a block of the vocabulary gives; `slope` is the gradient of W h + b there."""
        if self.hidden is not None:
            self.hidden[index] += _product(slope, matrix)

    def add_weight(self, block: slice, slope: Tensor, inputs: Tensor) -> None:
        """Add what some tokens give to a block of the vocabulary."""
        if self.bias is not None:
            self.bias[block] += slope.sum(dim=0)
        if self.weight is not None:
            self.weight[block] += _product(slope.t(), inputs)
