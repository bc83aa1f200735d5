"""Supervised fine-tuning: cross-entropy of references, blind to rewards and behaviour."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given

from algorithms.llm import sft
from tests.algorithms.batches import Example, examples, three_sequences

SFT = sft.ALGORITHM


def test_the_loss_is_the_mean_over_references_of_the_mean_over_tokens() -> None:
    expected = (0.75 + 0.9 + 0.25) / 3
    assert three_sequences().loss(SFT, sft.Params()) == pytest.approx(expected)


def test_of_a_uniform_policy_it_is_the_logarithm_of_the_vocabulary() -> None:
    case = three_sequences()
    uniform = dataclasses.replace(case, logprobs=torch.full_like(case.logprobs, -math.log(12)))
    assert uniform.loss(SFT, sft.Params()) == pytest.approx(math.log(12))


@given(examples())
def test_rewards_and_behaviour_are_not_read(case: Example) -> None:
    blank = dataclasses.replace(
        case.batch,
        rewards=torch.full_like(case.batch.rewards, math.nan),
        behaviour_logprobs=torch.full_like(case.batch.behaviour_logprobs, math.nan),
    )
    other = dataclasses.replace(case, batch=blank)
    assert other.loss(SFT, sft.Params()) == case.loss(SFT, sft.Params())
    assert torch.equal(other.gradient(SFT, sft.Params()), case.gradient(SFT, sft.Params()))


def test_it_is_the_only_one_that_trains_on_references() -> None:
    assert SFT.trains_on == "references"
