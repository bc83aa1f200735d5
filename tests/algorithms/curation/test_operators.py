"""Operators: what each keeps, in numbers worked by hand; what they refuse, and how."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from algorithms.curation.pipeline import OPERATORS, StepError
from algorithms.curation.steps import STEPS, TITLES, CurateSpec
from tests.algorithms.curation.sets import columns, kept, run

TOY = columns("-+-+", "----")
"""The two questions of test vector T12."""


def test_every_step_has_an_operator_and_a_title() -> None:
    assert set(OPERATORS) == set(STEPS) == set(TITLES)


def test_no_step_keeps_everything() -> None:
    assert kept(TOY) == list(range(8))


def test_grades_keep_what_is_ticked() -> None:
    found = columns("+-i", "i+")
    assert kept(found, {"op": "grades"}) == [0, 1, 4]
    only_invalid = {"op": "grades", "correct": False, "incorrect": False, "invalid": True}
    assert kept(found, only_invalid) == [2, 3]


def test_lengths_keep_both_ends_of_the_range() -> None:
    found = columns("++++", lengths=[1, 2, 3, 4])
    assert kept(found, {"op": "lengths", "min_tokens": 2, "max_tokens": 3}) == [1, 2]
    assert kept(found, {"op": "lengths", "min_tokens": 3}) == [2, 3]


def test_pass_rates_are_of_prompts_and_both_limits_belong_to_the_band() -> None:
    found = columns("+---", "++--", "++++")
    assert kept(found, {"op": "pass_rate", "lowest": 0.25, "highest": 0.5}) == list(range(8))
    assert kept(found, {"op": "pass_rate", "lowest": 0.6}) == [8, 9, 10, 11]


def test_a_pass_rate_counts_only_what_reaches_its_step() -> None:
    found = columns("+---", "--++")
    steps = ({"op": "cap", "completions": 2}, {"op": "pass_rate", "lowest": 0.1})
    assert kept(found, *steps) == [0, 1]


def test_prompts_of_equal_rewards_are_dropped_or_kept_alone() -> None:
    found = columns("+-", "++", "-i")
    assert kept(found, {"op": "zero_variance"}) == [0, 1]
    assert kept(found, {"op": "zero_variance", "action": "keep_only"}) == [2, 3, 4, 5]


def test_the_first_of_equal_completions_stays_and_other_prompts_do_not_count() -> None:
    found = columns("+-+-", "++", texts="abacbb")
    assert kept(found, {"op": "deduplicate"}) == [0, 1, 3, 4]


def test_a_cap_keeps_the_first_or_draws() -> None:
    found = columns("+" * 50, "-")
    assert kept(found, {"op": "cap", "completions": 2}) == [0, 1, 50]
    drawn = kept(found, {"op": "cap", "completions": 2, "choose": "random"})
    assert len(drawn) == 3
    assert drawn != [0, 1, 50]


def test_a_uniform_sample_of_more_than_exists_says_how_many_exist() -> None:
    with pytest.raises(StepError, match=r"Asks for 9 completions, but 8 reach this step"):
        kept(TOY, {"op": "uniform", "size": 9})


@given(st.integers(1, 40), st.integers(0, 2**31 - 1))
def test_a_uniform_sample_is_a_subset_and_grows_with_its_size(size: int, seed: int) -> None:
    found = columns(*["+-i-"] * 10)
    rows = kept(found, {"op": "uniform", "size": size}, seed=seed)
    assert rows == sorted(set(rows))
    assert len(rows) == size
    larger = kept(found, {"op": "uniform", "size": min(40, size + 3)}, seed=seed)
    assert set(rows) <= set(larger)


def test_a_uniform_sample_is_uniform() -> None:
    draws = [kept(TOY, {"op": "uniform", "size": 2}, seed=seed) for seed in range(2000)]
    counts = np.bincount(np.concatenate(draws), minlength=8)
    assert np.all(np.abs(counts - 500) < 6 * np.sqrt(500 * 0.75))


@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 1000))
def test_the_share_of_positives_is_exact(size: int, share: float, seed: int) -> None:
    found = columns("+" * 12, "-" * 7, "i" * 5)
    rows = kept(found, {"op": "share", "size": size, "positives": share}, seed=seed)
    correct = sum(row < 12 for row in rows)
    assert len(set(rows)) == size
    assert abs(correct - size * share) <= 0.5 + 1e-9


def test_a_share_that_cannot_be_had_says_what_there_is_and_what_is_possible() -> None:
    found = columns("+" * 10, "-" * 40)
    with pytest.raises(StepError) as caught:
        kept(found, {"op": "share", "size": 100, "positives": 0.1})
    assert "90 negatives (40 reach this step)" in str(caught.value)
    assert "enough for 44 in all" in str(caught.value)
    assert len(kept(found, {"op": "share", "size": 44, "positives": 0.1})) == 44


def test_anna_karenina_keeps_the_first_positive_and_fills_with_negatives() -> None:
    for seed in range(20):
        rows = kept(TOY, {"op": "anna_karenina", "size": 4}, seed=seed)
        assert len(rows) == 4
        assert 1 in rows
        assert 3 not in rows
        assert kept(TOY, {"op": "anna_karenina", "size": 4}, seed=seed) == rows


def test_an_exhausted_pool_comes_back_whole_with_a_warning() -> None:
    found = run(TOY, {"op": "anna_karenina", "size": 10})
    assert found.rows.tolist() == [0, 1, 2, 4, 5, 6, 7]
    (warning,) = found.warnings
    assert warning.startswith("Only 7 of 10 completions: 1 positives, and all 6 negatives")


def test_only_the_first_candidates_are_considered() -> None:
    found = columns("--+-", "+---")
    step = {"op": "anna_karenina", "size": 4, "candidates": 2}
    assert kept(found, step) == [0, 1, 4, 5]


def test_several_first_positives_may_be_kept() -> None:
    found = columns("+-+-+", "-++--")
    step = {"op": "anna_karenina", "size": 6, "positives_per_prompt": 2}
    assert {0, 2, 6, 7} <= set(kept(found, step))
    assert 4 not in kept(found, step)


def test_a_balanced_fill_takes_equally_many_negatives_of_each_prompt() -> None:
    found = columns("-" * 30, "-" * 3, "-" * 30)
    step = {"op": "anna_karenina", "size": 23, "fill": "per_prompt"}
    rows = np.array(kept(found, step))
    counts = np.bincount(found.prompts[rows])
    assert counts[1] == 3
    assert counts.sum() == 23
    assert abs(counts[0] - counts[2]) <= 0
    everything = {"op": "anna_karenina", "size": 23}
    uneven = [np.bincount(found.prompts[kept(found, everything, seed=s)]) for s in range(5)]
    assert any(abs(one[0] - one[2]) > 1 for one in uneven)


def test_more_first_positives_than_asked_for_are_refused() -> None:
    with pytest.raises(StepError, match="at least 3"):
        kept(columns("+", "+", "+-"), {"op": "anna_karenina", "size": 2})


def test_pairs_join_a_correct_and_another_completion_of_one_prompt() -> None:
    found = columns("+-i+", "++", "-+-")
    paired = run(found, {"op": "pairs"})
    assert paired.pairs is not None
    members: dict[int, list[int]] = {}
    for row, pair in zip(paired.rows.tolist(), paired.pairs.tolist(), strict=True):
        members.setdefault(pair, []).append(row)
    assert sorted(members) == [0, 1, 2]
    for rows in members.values():
        assert len(rows) == 2
        assert len({int(found.prompts[row]) for row in rows}) == 1
        assert sorted(found.correct[row] for row in rows) == [False, True]


@given(st.lists(st.text("+-i", min_size=1, max_size=9), min_size=1, max_size=6), st.integers(1, 4))
def test_no_completion_is_in_two_pairs_and_no_pair_is_missed(words: list[str], most: int) -> None:
    possible = sum(min(word.count("+"), len(word) - word.count("+"), most) for word in words)
    step = {"op": "pairs", "per_prompt": most}
    if not possible:
        with pytest.raises(StepError, match="No pair can be made"):
            kept(columns(*words), step)
        return
    found = run(columns(*words), step)
    assert found.pairs is not None
    assert len(set(found.rows.tolist())) == len(found.rows) == 2 * possible
    assert np.bincount(found.pairs).tolist() == [2] * possible


def test_pairs_are_drawn_anew_by_another_seed() -> None:
    found = columns("+" * 20 + "-" * 20)
    pairings = [run(found, {"op": "pairs"}, seed=seed).pairs for seed in (0, 0, 1)]
    assert np.array_equal(pairings[0], pairings[1])  # type: ignore[arg-type]
    assert not np.array_equal(pairings[0], pairings[2])  # type: ignore[arg-type]


def test_pairs_must_be_last() -> None:
    with pytest.raises(ValidationError, match="must be the last step"):
        CurateSpec.model_validate({"steps": [{"op": "pairs"}, {"op": "positives"}]})


def test_a_step_that_leaves_nothing_says_so_and_names_itself() -> None:
    steps: list[dict[str, object]] = [{"op": "cap"}, {"op": "positives"}]
    with pytest.raises(StepError, match=r"Step 2 \(positives only\): Nothing is left") as caught:
        kept(columns("---"), *steps)
    assert caught.value.step == 1


STEP = st.sampled_from(
    [
        {"op": "cap", "completions": 3, "choose": "random"},
        {"op": "deduplicate"},
        {"op": "grades", "invalid": True},
        {"op": "zero_variance"},
        {"op": "anna_karenina", "size": 9},
        {"op": "pass_rate", "highest": 0.9},
    ]
)


@given(
    st.lists(st.text("+-i", min_size=1, max_size=8), min_size=1, max_size=6),
    st.lists(STEP, max_size=4),
    st.integers(0, 99),
)
def test_any_steps_only_ever_take_away_and_repeat_from_their_seed(
    words: list[str], steps: list[dict[str, object]], seed: int
) -> None:
    found = columns(*words)
    try:
        curated = run(found, *steps, seed=seed)
    except StepError:
        return
    rows = curated.rows.tolist()
    assert rows == sorted(set(rows))
    assert set(rows) <= set(range(len(found)))
    assert [stage.before for stage in curated.stages[1:]] == [
        stage.after for stage in curated.stages[:-1]
    ]
    assert kept(found, *steps, seed=seed) == rows
