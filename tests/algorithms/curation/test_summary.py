"""The composition: every figure counted by hand."""

import pytest

from algorithms.curation.summary import as_summary, compose
from tests.algorithms.curation.sets import columns


def test_the_composition_counts_what_is_there() -> None:
    found = columns("+-i-", "++", "--", lengths=[1, 2, 3, 4, 5, 6, 7, 20], texts="abcbddef")
    made = compose(found, found.all_rows)
    assert (made.completions, made.correct, made.incorrect, made.invalid) == (8, 3, 4, 1)
    assert (made.prompts, made.prompts_with_positive) == (3, 2)
    assert (made.solved_always, made.solved_never, made.zero_variance) == (1, 1, 2)
    assert (made.tokens, made.tokens_mean, made.tokens_longest) == (48, 6.0, 20)
    assert made.tokens_p95 == pytest.approx(15.45)  # 7 + 0.65 (20 - 7)
    assert made.duplicates == 2
    assert made.reward_mean == pytest.approx((3 - 5) / 8)
    assert made.positives_per_prompt == (1, 1, 1)
    assert made.positive_share == 0.375
    assert [made.steps(size) for size in (3, 4, 8, 9)] == [3, 2, 1, 1]


def test_a_part_counts_only_its_own_prompts() -> None:
    found = columns("+-", "--", "++")
    made = compose(found, found.all_rows[2:4])
    assert (made.prompts, made.solved_never, made.solved_always) == (1, 1, 0)
    assert made.positives_per_prompt == (1,)


def test_the_effective_share_is_that_of_the_paper() -> None:
    found = columns("+---------")
    made = compose(found, found.all_rows)
    for baseline, expected in ((-0.3846154, 0.2), (-0.8, 0.5), (-0.95, 0.8125), (0.83, 0.010216)):
        assert made.effective_share(baseline) == pytest.approx(expected, abs=1e-6)
    only = columns("++")
    assert compose(only, only.all_rows).effective_share(1.0) is None


def test_an_empty_part_has_figures_too() -> None:
    found = columns("+-")
    made = compose(found, found.all_rows[:0])
    assert (made.completions, made.positive_share, made.positives_per_prompt) == (0, 0.0, ())
    assert as_summary(made)["reward_mean"] == 0.0
