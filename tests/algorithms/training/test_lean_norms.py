"""RMSNorm in one pass, against its formula in float64 and against transformers' own."""

import pytest
import torch
from torch import Tensor, nn
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from algorithms.training.lean_norms import install, rms_norm


def _written_out(hidden: Tensor, weight: Tensor) -> Tensor:
    return weight * hidden / (hidden.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("width", [16, 200])
def test_norm_and_gradients_are_those_of_the_formula(width: int) -> None:
    torch.manual_seed(0)
    hidden, slope = torch.randn(2, 700, width), torch.randn(2, 700, width)
    weight = torch.randn(width)
    exact = [hidden.double().requires_grad_(), weight.double().requires_grad_()]
    found = [hidden.clone().requires_grad_(), weight.clone().requires_grad_()]
    wanted = _written_out(*exact)
    normed = rms_norm(found[0], found[1], 1e-5)
    torch.autograd.backward(wanted, slope.double())
    torch.autograd.backward(normed, slope)

    torch.testing.assert_close(normed.double(), wanted, rtol=1e-5, atol=1e-6)
    for one, other in zip(found, exact, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-5, atol=1e-4)


def test_a_row_has_the_bits_it_has_among_others() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(4096, 96), torch.randn(96)
    whole = rms_norm(hidden, weight, 1e-5)
    assert torch.equal(rms_norm(hidden[1008:1024], weight, 1e-5), whole[1008:1024])


def test_mixed_precision_rounds_the_norm_once() -> None:
    torch.manual_seed(0)
    norm = LlamaRMSNorm(96)
    nn.init.normal_(norm.weight)
    hidden = torch.randn(1, 32, 96)
    expected = norm(hidden).bfloat16()
    assert install(norm) == 1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(norm(hidden), expected)


def test_a_norm_of_another_formula_is_left_alone() -> None:
    assert install(GemmaRMSNorm(32)) == 0
    other = LlamaRMSNorm(32)
    assert install(nn.ModuleList([other, nn.Linear(2, 2)])) == 1


def test_a_norm_called_so_that_computes_something_else_is_left_alone() -> None:
    class ShiftedRMSNorm(LlamaRMSNorm):
        def forward(self, hidden_states: Tensor) -> Tensor:
            shifted: Tensor = super().forward(hidden_states) + 1.0
            return shifted

    assert install(ShiftedRMSNorm(32)) == 0
