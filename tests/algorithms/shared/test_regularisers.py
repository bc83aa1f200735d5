"""KL estimators against section 7.5's numbers and against the divergence itself."""

import math
from dataclasses import dataclass
from typing import Literal

import pytest
import torch

from algorithms.shared.regularisers import (
    kl_estimate,
    needs_reference,
    reference_penalty,
    squared_log_ratio,
    squared_sequence_log_ratio,
)
from tests.algorithms.batches import three_sequences


@dataclass(frozen=True)
class Held:
    reference_kl: Literal["none", "k1", "k2", "k3"]
    reference_kl_coefficient: float = 0.5


@pytest.mark.parametrize(("kind", "value"), [("k1", 0.262364), ("k2", 0.034418), ("k3", 0.031595)])
def test_7_5_estimators_have_the_references_values(
    kind: Literal["k1", "k2", "k3"], value: float
) -> None:
    pi, reference = (torch.tensor([math.log(p)], dtype=torch.float64) for p in (0.26, 0.2))
    assert kl_estimate(pi, reference, kind=kind).item() == pytest.approx(value, abs=5e-7)


def test_k1_and_k3_are_unbiased_on_policy() -> None:
    pi = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    reference = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)
    true = (pi * (pi / reference).log()).sum()
    for kind in ("k1", "k3"):
        mean = (pi * kl_estimate(pi.log(), reference.log(), kind=kind)).sum()
        assert mean.item() == pytest.approx(true.item(), rel=1e-12)


def test_k3_stays_finite_where_the_reference_finds_likely_what_the_policy_does_not() -> None:
    pi = torch.tensor([-900.0], requires_grad=True)
    estimate = kl_estimate(pi, torch.tensor([-1.0]), kind="k3")
    (gradient,) = torch.autograd.grad(estimate.sum(), pi)
    assert torch.isfinite(estimate).all()
    assert torch.isfinite(gradient).all()


def test_the_penalty_is_weighted_and_ignores_padding() -> None:
    case = three_sequences().with_reference(torch.full((3, 4), -1.0, dtype=torch.float64))
    garbled = case.garbled(math.nan)
    penalty = reference_penalty(garbled.logprobs, garbled.batch, Held("k1"))
    assert penalty is not None
    expected = 0.5 * (case.logprobs + 1) * case.batch.mask
    torch.testing.assert_close(penalty, expected)


def test_without_estimator_nothing_is_added_nor_needed() -> None:
    case = three_sequences()
    assert reference_penalty(case.logprobs, case.batch, Held("none")) is None
    assert not needs_reference(Held("none"))
    assert needs_reference(Held("k2"))


def test_a_missing_reference_is_named() -> None:
    case = three_sequences()
    with pytest.raises(ValueError, match="reference policy"):
        reference_penalty(case.logprobs, case.batch, Held("k3"))


def test_the_square_of_a_sum_is_not_the_sum_of_squares() -> None:
    case = three_sequences()
    tokens = squared_log_ratio(case.logprobs, case.batch)
    # Log ratios of the second completion: -0.5, -0.4, 0.2.
    assert tokens[1].tolist() == pytest.approx([0.25, 0.16, 0.04, 0])
    whole = squared_sequence_log_ratio(case.logprobs, case.batch)
    assert whole.tolist() == pytest.approx([0.1**2 / 2, 0.7**2 / 2, 0.7**2 / 2])
