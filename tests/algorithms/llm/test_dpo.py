"""DPO against test vector T10 of TOPR's specification, worked out by hand."""

import dataclasses

import pytest
import torch

from algorithms.base import CompletionBatch
from algorithms.llm import dpo
from algorithms.shared.batches import whole_batch


def pair(*, worse_first: bool) -> CompletionBatch:
    """Return a pair of one-token completions whose behaviour log-probabilities are 0."""
    rewards = [-1.0, 1.0] if worse_first else [1.0, -1.0]
    batch = whole_batch(
        rewards=torch.tensor(rewards, dtype=torch.float64),
        behaviour_logprobs=torch.zeros(2, 1, dtype=torch.float64),
        mask=torch.ones(2, 1, dtype=torch.bool),
        prompt_index=torch.zeros(2, dtype=torch.int64),
    )
    return dataclasses.replace(batch, unit_index=torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("worse_first", [False, True])
@pytest.mark.parametrize(
    ("winner", "loser", "loss", "weight"),
    [(-0.1, -0.8, 0.658760, 0.048251), (0.7, -2.0, 0.567232, 0.043291)],
)
def test_loss_and_weight_are_those_of_the_specification(
    winner: float, loser: float, loss: float, weight: float, *, worse_first: bool
) -> None:
    log_ratios = [[loser], [winner]] if worse_first else [[winner], [loser]]
    logprobs = torch.tensor(log_ratios, dtype=torch.float64, requires_grad=True)
    found = dpo.loss(logprobs, pair(worse_first=worse_first), dpo.Params(beta=0.1))
    assert found.loss.item() == pytest.approx(loss, abs=1e-6)
    assert found.metrics["preference_margin"] == pytest.approx(0.1 * (winner - loser))
    (gradient,) = torch.autograd.grad(found.loss, logprobs)
    pushed_up = gradient[1 if worse_first else 0].item()
    assert pushed_up == pytest.approx(-weight, abs=1e-6)
    assert gradient.sum().item() == pytest.approx(0, abs=1e-12)
