"""Log-probabilities of a linear layer in chunks: the numbers and gradients of plain autograd."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from algorithms.training import linear_logprobs as module
from algorithms.training.linear_logprobs import Head, chunk_rows, linear_logprobs

N, D, V = 41, 24, 101

Made = tuple[Tensor, Tensor, Tensor, Tensor]


def made(seed: int = 0) -> Made:
    """Return hidden states, weight, bias and targets."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(N, D, generator=generator).requires_grad_()
    weight = (torch.randn(V, D, generator=generator) / math.sqrt(D)).requires_grad_()
    bias = torch.randn(V, generator=generator).requires_grad_()
    return hidden, weight, bias, torch.randint(0, V, (N,), generator=generator)


def plain(hidden: Tensor, head: Head, targets: Tensor) -> Tensor:
    logits = hidden @ head.weight.t()
    if head.bias is not None:
        logits = logits + head.bias
    logits = logits * head.scale
    if head.softcap is not None:
        logits = head.softcap * (logits / head.softcap).tanh()
    return logits.log_softmax(-1).gather(1, targets.unsqueeze(-1)).squeeze(-1)


@pytest.fixture(params=[16, 32, 4096], ids=["16 rows", "32 rows", "one chunk"])
def _chunked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", {"cpu": request.param * 4 * V})


HEADS: dict[str, Callable[[Tensor, Tensor], Head]] = {
    "plain": lambda weight, _: Head(weight),
    "bias": Head,
    "scaled": lambda weight, bias: Head(weight, bias, scale=0.25),
    "capped": lambda weight, bias: Head(weight, bias, scale=3.0, softcap=2.0),
}


@pytest.mark.usefixtures("_chunked")
@pytest.mark.parametrize("kind", HEADS)
def test_values_and_gradients_are_those_of_plain_autograd(kind: str) -> None:
    hidden, weight, bias, targets = made()
    head = HEADS[kind](weight, bias)
    learned = [hidden, weight] + ([bias] if head.bias is not None else [])
    upstream = torch.linspace(-1, 1, N)
    expected = plain(hidden, head, targets)
    expected_gradients = torch.autograd.grad(expected @ upstream, learned)
    found, _ = linear_logprobs(hidden, targets, head)
    gradients = torch.autograd.grad(found @ upstream, learned)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("_chunked")
def test_the_entropy_is_that_of_the_softmax_and_carries_no_gradient() -> None:
    hidden, weight, _, targets = made()
    logprobs, entropy = linear_logprobs(hidden, targets, Head(weight), entropy=True)
    assert entropy is not None
    log = (hidden @ weight.t()).log_softmax(-1)
    torch.testing.assert_close(entropy, -(log.exp() * log).sum(-1).detach())
    assert not entropy.requires_grad
    assert torch.equal(logprobs, linear_logprobs(hidden, targets, Head(weight))[0])


def test_by_hand_two_tokens_with_logits_zero_and_log_three() -> None:
    hidden = torch.ones(1, 1, requires_grad=True)
    weight = torch.tensor([[0.0], [math.log(3)]], requires_grad=True)
    logprobs, entropy = linear_logprobs(hidden, torch.tensor([1]), Head(weight), entropy=True)
    torch.autograd.backward(logprobs.sum())
    assert logprobs.item() == pytest.approx(math.log(3 / 4))
    assert entropy is not None
    assert entropy.item() == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == pytest.approx([-0.25, 0.25])
    assert hidden.grad is not None
    assert hidden.grad.item() == pytest.approx(0.25 * math.log(3))


@pytest.mark.usefixtures("_chunked")
def test_tokens_without_gradient_leave_that_of_the_others_as_it_is() -> None:
    hidden, weight, _, targets = made()
    upstream = torch.linspace(-1, 1, N)
    upstream[5:37] = 0
    [expected] = torch.autograd.grad(plain(hidden, Head(weight), targets) @ upstream, [weight])
    found, _ = linear_logprobs(hidden, targets, Head(weight))
    weights, states = torch.autograd.grad(found @ upstream, [weight, hidden])
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-6)
    assert states[5:37].count_nonzero() == 0


def test_frozen_weights_get_no_gradient_and_hidden_states_still_do() -> None:
    hidden, weight, _, targets = made()
    logprobs, _ = linear_logprobs(hidden, targets, Head(weight.detach()))
    torch.autograd.backward(logprobs.sum())
    assert hidden.grad is not None
    assert weight.grad is None


def test_huge_logits_stay_finite() -> None:
    hidden = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    head = Head(torch.tensor([[1.0], [-1.0], [0.5]]))
    logprobs, entropy = linear_logprobs(hidden, torch.tensor([0, 0]), head, entropy=True)
    torch.autograd.backward(logprobs.sum())
    assert logprobs.tolist() == [0.0, -2e4]
    assert entropy is not None
    assert entropy.tolist() == [0.0, 0.0]
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()


def test_bfloat16_products_are_summed_up_in_float32() -> None:
    hidden, weight, _, targets = made()
    upstream = torch.linspace(-1, 1, N)
    expected = plain(hidden, Head(weight), targets)
    [exact] = torch.autograd.grad(expected @ upstream, [weight])
    found, _ = linear_logprobs(hidden, targets, Head(weight), compute=torch.bfloat16)
    [gradient] = torch.autograd.grad(found @ upstream, [weight])
    assert found.dtype == gradient.dtype == torch.float32
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=0.03)
    assert (gradient - exact).norm() < 0.01 * exact.norm()


def test_a_large_vocabulary_is_cut_into_chunks_of_bounded_memory() -> None:
    rows = chunk_rows(49_152, torch.device("cpu"))
    assert rows % 16 == 0
    assert 48 * 2**20 < rows * 49_152 * 4 <= 64 * 2**20
    assert chunk_rows(10**9, torch.device("cpu")) == 16
