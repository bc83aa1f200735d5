"""Truncated importance sampling and its cap; the paper's vectors are in test_paper_vectors."""

import pytest
from pydantic import ValidationError

from algorithms.llm import tis
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import three_sequences

TIS = tis.ALGORITHM


@pytest.mark.parametrize("reward", [1.0, -1.0])
def test_the_cap_is_a_setting(reward: float) -> None:
    coefficients = gradient_coefficient(TIS, tis.Params(ratio_max=3), [0.5, 2, 5], reward)
    assert coefficients == pytest.approx([0.5 * reward, 2 * reward, 3 * reward])


def test_the_baseline_is_subtracted_from_the_reward() -> None:
    assert gradient_coefficient(TIS, tis.Params(baseline=-0.5), [0.5, 2], -1.0) == pytest.approx(
        [-0.25, -0.5]
    )


def test_metrics_describe_the_weights_of_the_three_sequences() -> None:
    case = three_sequences()
    metrics = TIS.loss(case.logprobs, case.batch, tis.Params()).metrics
    assert metrics["weight_mean"] == pytest.approx((0.904837 + 0.496585 + 1) / 3, abs=1e-6)
    assert metrics["tapered_share"] == pytest.approx(1 / 3)


def test_a_cap_of_zero_is_refused() -> None:
    with pytest.raises(ValidationError):
        tis.Params(ratio_max=0)
