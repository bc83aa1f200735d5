"""Claims: numbers worked by hand, and how often a true null is called a finding."""

import math

import numpy as np
import pytest

from algorithms.evaluation.claims.decision import Verdict, decide
from algorithms.evaluation.claims.evidence import (
    detectable,
    power_of,
    sample_of,
    seeds_needed,
)
from algorithms.evaluation.claims.kinds import (
    Reached,
    best_shares,
    coincide,
    faster,
    first_reached,
    greater,
    optimum_within,
    paired,
    slope,
)
from algorithms.evaluation.holm import holm

RUNS = 2000


def test_a_difference_has_the_p_value_and_interval_of_students_t() -> None:
    found = greater([1.0, 2.0, 3.0])
    # t = 2 sqrt(3) with 2 degrees, whose upper tail is 1/2 - t / (2 sqrt(t^2 + 2)).
    assert found.p_for == pytest.approx(0.5 - math.sqrt(12) / (2 * math.sqrt(14)), rel=1e-9)
    assert found.p_for == pytest.approx(0.037090, abs=1e-6)
    assert found.p_against == pytest.approx(1 - 0.037090, abs=1e-6)
    assert (found.estimate, found.n) == (2.0, 3)
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), rel=1e-6)
    assert found.effect == pytest.approx(2.0)


def test_differences_are_paired_by_seed_and_other_seeds_left_out() -> None:
    found = paired({0: 0.5, 1: 0.75, 7: 9.0}, {1: 0.25, 0: 0.25, 3: 1.0})
    assert found.tolist() == [0.25, 0.5]


def test_not_worse_is_decided_at_the_margin_and_not_at_zero() -> None:
    slightly_lower = [-0.01, -0.012, -0.011, -0.009]
    assert greater(slightly_lower).p_against < 0.01
    assert greater(slightly_lower, threshold=-0.05).p_for < 0.001


def test_a_gain_below_the_smallest_that_matters_is_evidence_against_the_claim() -> None:
    tiny = [0.0005, -0.0004, 0.0001, 0.0002]
    assert greater(tiny).p_against > 0.2
    assert greater(tiny, smallest=0.02).p_against < 1e-4
    with pytest.raises(ValueError, match="below the threshold"):
        greater(tiny, smallest=-0.1)


def test_coinciding_is_shown_by_two_one_sided_tests() -> None:
    found = coincide([-0.01, 0.0, 0.01], margin=0.05)
    # t = 0.05 / (0.01 / sqrt(3)) = 8.660254 on either side, 2 degrees.
    assert found.p_for == pytest.approx(0.006536, abs=1e-6)
    assert found.p_against == 1.0
    assert coincide([0.2, 0.21, 0.19], margin=0.05).p_against < 0.01
    assert coincide([0.5], margin=0.05).p_for == 1.0


def test_one_seed_or_none_decides_nothing_and_says_so() -> None:
    one, none = greater([5.0]), greater([])
    assert (one.p_for, one.p_against, one.low) == (1.0, 1.0, None)
    assert "One seed" in one.note
    assert (none.estimate, none.n) == (None, 0)
    assert decide({"a": one})["a"].verdict is Verdict.UNDECIDED
    assert decide({"a": one})["a"].seeds_needed is None


def test_values_that_are_all_alike_are_known_to_their_rounding_only() -> None:
    exact = sample_of([0.25, 0.25])
    rounded = sample_of([0.25, 0.25], resolution=0.1)
    assert exact.p_above(0.0) == 0.0
    assert rounded.deviation == pytest.approx(0.1 / math.sqrt(6))
    assert 0.01 < rounded.p_above(0.0) < 0.1


def test_seeds_needed_are_those_of_the_textbooks() -> None:
    # One-sample, one-sided t test at 5% with power 80%.
    assert seeds_needed(1.0, 0.05) == 8
    assert seeds_needed(0.5, 0.05) == 27
    assert seeds_needed(0.01, 0.05) is None
    assert seeds_needed(math.inf, 0.05) == 2
    assert seeds_needed(None, 0.05) is None


def test_the_smallest_effect_that_is_found_has_just_the_power_asked_for() -> None:
    found = detectable(0.1, 5, 0.05)
    assert found is not None
    assert power_of(found / 0.1, 5, 0.05) == pytest.approx(0.8, abs=1e-6)
    assert detectable(0.1, 1, 0.05) is None


def test_power_is_how_often_a_simulated_effect_is_found() -> None:
    random = np.random.default_rng(1)
    hits = sum(greater(random.normal(1.2, 1.0, 5)).p_for < 0.05 for _ in range(RUNS))
    assert hits / RUNS == pytest.approx(power_of(1.2, 5, 0.05), abs=0.03)


def test_an_inner_optimum_must_beat_both_ends() -> None:
    noise = np.random.default_rng(0).normal(0, 0.004, (4, 4))
    peaked = np.array([0.3, 0.6, 0.5, 0.2]) + noise
    rising = np.array([0.2, 0.3, 0.5, 0.6]) + noise
    assert optimum_within(peaked, [1, 2]).p_for < 0.01
    assert optimum_within(rising, [1, 2]).p_for > 0.5
    assert optimum_within(rising, [1, 2]).p_against < 0.01
    assert best_shares(peaked).tolist() == [0, 1, 0, 0]
    with pytest.raises(ValueError, match="inside and outside"):
        optimum_within(peaked, [])


def test_a_slope_is_that_of_least_squares() -> None:
    assert slope([0, 1, 2], [1, 3, 2]) == pytest.approx(0.5)
    assert slope([0, 1, 2, 3], [1, math.nan, 3, 4]) == pytest.approx(1.0)
    assert slope([4], [1]) is None


def test_when_a_target_was_reached_and_when_it_never_was() -> None:
    steps, accuracy = [0, 10, 20, 30], [0.1, 0.4, 0.6, 0.5]
    assert first_reached(steps, accuracy, target=0.5, horizon=30) == Reached(20, False)
    assert first_reached(steps, accuracy, target=0.9, horizon=30) == Reached(30, True)
    assert first_reached(steps, accuracy, target=0.6, horizon=10) == Reached(10, True)
    assert first_reached(steps, accuracy, target=0.9, horizon=40) is None  # still running


def test_runs_that_never_arrive_count_with_the_horizon_and_are_told() -> None:
    left = {0: Reached(10, False), 1: Reached(12, False), 2: Reached(11, False)}
    right = {0: Reached(50, True), 1: Reached(50, True), 2: Reached(48, False)}
    found = faster(left, right)
    assert found.estimate == pytest.approx((40 + 38 + 37) / 3)
    assert "2 of the other" in found.note
    assert found.p_for < 0.001
    never = {seed: Reached(50, True) for seed in range(3)}
    assert faster(never, never).estimate is None


def test_holm_corrects_claims_of_one_study_together() -> None:
    clear = greater([1.0, 2.0, 3.0])  # p = 0.037
    assert decide({"a": clear})["a"].verdict is Verdict.HOLDS
    both = decide({"a": clear, "b": clear})
    assert both["a"].verdict is Verdict.UNDECIDED
    assert both["a"].p_for == pytest.approx(2 * clear.p_for)
    assert both["a"].seeds_needed is not None
    assert both["a"].seeds_needed > 3
    assert decide({"a": greater([-1.0, -1.1, -0.9])})["a"].verdict is Verdict.FAILS


@pytest.mark.parametrize("seeds", [3, 5])
def test_a_true_null_is_called_a_finding_in_one_of_twenty_studies(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    wrong = {"greater": 0, "coincide": 0, "optimum": 0, "any of four": 0}
    for _ in range(RUNS):
        draws = random.normal(0, 1, (seeds, 4))
        wrong["greater"] += greater(draws[:, 0]).p_for < 0.05
        wrong["coincide"] += coincide(draws[:, 0] + 9, margin=9.0).p_for < 0.05
        wrong["optimum"] += optimum_within(draws, [1, 2]).p_for < 0.05
        family = holm({i: greater(draws[:, i]).p_for for i in range(4)})
        wrong["any of four"] += min(family.values()) < 0.05
    rates = {name: count / RUNS for name, count in wrong.items()}
    for name in ("greater", "coincide", "any of four"):
        assert rates[name] == pytest.approx(0.05, abs=0.015), rates
    assert rates["optimum"] < 0.07, rates  # every outer point must be beaten: never above 5%
