"""Fine-tuning on positives; the paper's vectors are in test_paper_vectors."""

import pytest
import torch
from hypothesis import given

from algorithms.llm import positives, reinforce
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import Example, examples

POSITIVES = positives.ALGORITHM


@given(examples(rewards=(-1.0, -0.3, 0.0, 0.4, 1.0)))
def test_negatives_get_no_gradient_and_positives_that_of_reinforce(case: Example) -> None:
    gradient = case.gradient(POSITIVES, positives.Params())
    naive = case.gradient(reinforce.ALGORITHM, reinforce.Params())
    positive = case.batch.rewards > 0
    assert torch.equal(gradient[positive], naive[positive])
    assert not gradient[~positive].any()


def test_positives_weigh_their_reward() -> None:
    coefficients = gradient_coefficient(POSITIVES, positives.Params(), [0.1, 5], 0.7)
    assert coefficients == pytest.approx([0.7, 0.7])
