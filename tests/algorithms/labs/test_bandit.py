"""Which bandits can be played, and what is said of the others."""

import re

import pytest
from pydantic import ValidationError

from algorithms.labs.bandit import Bandit


def _refused(message: str, **fields: object) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        Bandit.model_validate(fields)


def test_the_first_policy_is_the_chosen_one() -> None:
    assert Bandit().first_policy == (0.3, 0.6, 0.1)
    assert Bandit(start="uniform").first_policy == (1 / 3, 1 / 3, 1 / 3)
    typed = Bandit(start="typed", start_policy=(0.2, 0.2, 0.6))
    assert typed.first_policy == (0.2, 0.2, 0.6)


def test_a_hundred_completions_realise_the_behaviour_policy() -> None:
    assert Bandit(behaviour=(0.07, 0.93), rewards=(0, 1)).counts == (7, 93)


def test_shares_that_a_hundred_completions_cannot_realise_are_refused() -> None:
    _refused("whole percents", behaviour=(0.125, 0.5, 0.375))
    _refused("1 % at least", behaviour=(0.0, 0.5, 0.5))
    _refused("add up to 0.9, not to 1", behaviour=(0.3, 0.5, 0.1))


def test_a_typed_start_must_be_a_policy_of_these_arms() -> None:
    _refused("as many starting probabilities", start="typed")
    _refused("has no logit", start="typed", start_policy=(0.0, 0.5, 0.5))
    _refused("start policy add up", start="typed", start_policy=(0.3, 0.3, 0.3))
    _refused("as many rewards", rewards=(1.0, 0.0))
