"""Differences on the same problems: numbers, verdicts, and how often they are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.results.paired import Difference, Outcomes, Verdict, differences
from webapp.results.statistics import FloatArray


def compare(
    group: FloatArray, reference: FloatArray, *, fixed: bool = False, draws: int = 1000
) -> Difference:
    return differences(
        {"group": Outcomes(tuple(range(len(group))), group)},
        Outcomes(tuple(range(len(reference))), reference, is_fixed=fixed),
        draws=draws,
    )["group"]


def noise(seeds: int, problems: int, *, key: int, share: float = 0.5) -> FloatArray:
    return (np.random.default_rng(key).random((seeds, problems)) < share).astype(np.float64)


def test_the_mean_is_the_difference_of_the_means() -> None:
    result = compare(np.array([[1.0, 1, 0, 1], [1, 0, 0, 1]]), np.array([[0.0, 1, 0, 0]] * 2))
    assert result.mean == pytest.approx(0.625 - 0.25)
    assert (result.n_problems, result.n_seeds, result.paired_seeds) == (4, 2, True)


def test_a_clear_gain_is_higher_and_its_mirror_lower() -> None:
    strong, weak = noise(4, 300, key=0, share=0.9), noise(4, 300, key=1, share=0.3)
    up, down = compare(strong, weak), compare(weak, strong)
    assert (up.verdict, down.verdict) == (Verdict.HIGHER, Verdict.LOWER)
    assert up.low > 0 > down.high
    assert up.mean == pytest.approx(-down.mean)


def test_the_same_outcomes_are_undecided_with_a_zero_difference() -> None:
    same = noise(3, 50, key=0)
    result = compare(same, same)
    assert (result.mean, result.low, result.high) == (0.0, 0.0, 0.0)
    assert (result.p_value, result.verdict) == (1.0, Verdict.UNDECIDED)


def test_one_seed_never_decides_however_large_the_difference() -> None:
    result = compare(np.ones((1, 400)), np.zeros((1, 400)))
    assert result.verdict is Verdict.UNDECIDED
    assert "One seed" in result.note


def test_a_given_policy_needs_no_seeds_to_be_a_reference() -> None:
    result = compare(noise(4, 400, key=0, share=0.8), noise(1, 400, key=1, share=0.3), fixed=True)
    assert result.verdict is Verdict.HIGHER
    assert not result.paired_seeds


def test_pairing_problems_removes_their_difficulty() -> None:
    random = np.random.default_rng(0)
    difficulty = random.normal(0, 5, 200)
    reference = difficulty + random.normal(0, 0.1, (5, 200))
    group = difficulty + 0.3 + random.normal(0, 0.1, (5, 200))
    assert compare(group, reference).verdict is Verdict.HIGHER


def test_pairing_seeds_removes_what_a_seed_does_to_both() -> None:
    random = np.random.default_rng(0)
    of_seed = random.normal(0, 1, (5, 1))
    reference = of_seed + random.normal(0, 0.1, (5, 200))
    group = of_seed + 0.3 + random.normal(0, 0.1, (5, 200))
    paired = compare(group, reference)
    unpaired = differences(
        {"group": Outcomes((10, 11, 12, 13, 14), group)}, Outcomes((0, 1, 2, 3, 4), reference)
    )["group"]
    assert paired.verdict is Verdict.HIGHER
    assert unpaired.verdict is Verdict.UNDECIDED


def test_seeds_are_paired_by_number_whatever_their_order() -> None:
    values = np.array([[1.0, 1, 1, 0], [0, 0, 1, 0]])
    swapped = differences(
        {"group": Outcomes((1, 0), values[::-1] + 0.5)}, Outcomes((0, 1), values)
    )["group"]
    assert swapped.low == pytest.approx(0.5)
    assert swapped.high == pytest.approx(0.5)


def test_with_identical_problems_the_interval_is_the_t_interval_over_seeds() -> None:
    per_seed = np.array([0.1, 0.2, 0.3])
    group = np.repeat(per_seed[:, None], 20, axis=1)
    result = compare(group, np.zeros((3, 20)), draws=4000)
    # mean 0.2, standard error 0.1 / sqrt(3), t(2) = 4.302653
    assert result.low == pytest.approx(0.2 - 4.302653 * 0.1 / 3**0.5, abs=0.002)
    assert result.high == pytest.approx(0.2 + 4.302653 * 0.1 / 3**0.5, abs=0.002)


def test_with_a_fixed_pair_of_policies_the_interval_is_the_bootstrap_over_problems() -> None:
    contrast = np.random.default_rng(0).normal(0.1, 1.0, 400)
    result = differences(
        {"group": Outcomes((0,), contrast[None, :], is_fixed=True)},
        Outcomes((0,), np.zeros((1, 400)), is_fixed=True),
    )["group"]
    error = contrast.std(ddof=1) / 20
    assert result.low == pytest.approx(contrast.mean() - 1.96 * error, abs=0.15 * error)
    assert result.high == pytest.approx(contrast.mean() + 1.96 * error, abs=0.15 * error)
    assert "One" not in result.note


def test_holm_takes_back_a_verdict_that_one_comparison_alone_would_allow() -> None:
    contrast = np.r_[np.full(3, -1.0), np.full(13, 1.0), np.zeros(84)]
    barely = np.stack([contrast, contrast])
    reference = Outcomes((0, 1), np.zeros((2, 100)))
    alone = differences({"a": Outcomes((0, 1), barely)}, reference)["a"]
    crowd = {f"null {i}": Outcomes((0, 1), noise(2, 100, key=i) - 0.5) for i in range(9)}
    crowded = differences({"a": Outcomes((0, 1), barely), **crowd}, reference)["a"]
    assert alone.verdict is Verdict.HIGHER
    assert crowded.verdict is Verdict.UNDECIDED
    assert (crowded.low, crowded.high) == (alone.low, alone.high)
    assert "Holm" in crowded.note


def test_the_same_input_gives_the_same_numbers() -> None:
    group, reference = noise(3, 80, key=0), noise(3, 80, key=1)
    assert compare(group, reference) == compare(group, reference)


def test_groups_on_other_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="has 3 problems, not 4"):
        compare(np.ones((1, 3)), np.ones((1, 4)))


@pytest.mark.parametrize("values", [np.full((1, 2), np.nan), np.ones((2, 2)), np.ones((1, 0))])
def test_outcomes_without_rows_per_seed_or_numbers_are_refused(values: FloatArray) -> None:
    with pytest.raises(ValueError, match="outcomes need"):
        Outcomes((0,), values)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_the_interval_holds_the_mean_and_turns_with_the_sign(key: int, seeds: int) -> None:
    group, reference = noise(seeds, 40, key=key), noise(seeds, 40, key=key + 1)
    there, back = compare(group, reference), compare(reference, group)
    assert there.low <= there.mean <= there.high
    assert there.mean == pytest.approx(-back.mean)
    width = there.high - there.low
    assert there.low == pytest.approx(-back.high, abs=0.2 * width)  # 1000 draws of heavy tails


@pytest.mark.parametrize(("of_seed", "of_answer"), [(0.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_true_null_is_called_a_difference_at_most_one_time_in_twenty(
    seeds: int, of_seed: float, of_answer: float
) -> None:
    random = np.random.default_rng(1)
    wrong = 0
    for _ in range(300):
        difficulty = random.normal(0, 1, 60)
        group, reference = (
            difficulty
            + random.normal(0, of_seed, (seeds, 1))
            + random.normal(0, of_answer, (seeds, 60))
            for _ in range(2)
        )
        wrong += compare(group, reference, draws=400).verdict is not Verdict.UNDECIDED
    assert wrong / 300 <= 0.08  # 0.05 and 2.4 standard errors of a share of 300


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    random = np.random.default_rng(3)
    sizes, found = [], 0
    for _ in range(200):
        sample = random.normal(0, 1, 100)
        probe = compare((sample + 0.28)[None, :], np.zeros((1, 100)), fixed=True, draws=400)
        sizes.append(probe.detectable)
        found += probe.p_value < 0.05
    # (1.96 + 0.84) standard errors of 0.1 each, the textbook's number
    assert np.mean(sizes) == pytest.approx(0.28, abs=0.02)
    assert found / 200 == pytest.approx(0.8, abs=0.09)  # 3 standard errors of a share of 200
