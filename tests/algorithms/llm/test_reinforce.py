"""Naive REINFORCE and its baseline; the paper's vectors are in test_paper_vectors."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.llm import reinforce
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import Example, examples

REINFORCE = reinforce.ALGORITHM


@given(st.floats(-1, 1), st.sampled_from([-1.0, 1.0]), st.floats(0, 100))
def test_the_coefficient_is_reward_minus_baseline(c: float, reward: float, x: float) -> None:
    params = reinforce.Params(baseline=c)
    assert gradient_coefficient(REINFORCE, params, [x], reward) == pytest.approx([reward - c])


@given(examples())
def test_it_does_not_look_at_the_behaviour_policy(case: Example) -> None:
    elsewhere = dataclasses.replace(
        case.batch, behaviour_logprobs=case.batch.behaviour_logprobs - 3
    )
    moved = dataclasses.replace(case, batch=elsewhere)
    params = reinforce.Params()
    assert moved.loss(REINFORCE, params) == case.loss(REINFORCE, params)
