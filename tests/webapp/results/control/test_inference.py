"""Intervals over episodes and training seeds, against the jobs' own figures and worked numbers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from algorithms.evaluation.risk import (
    Statistic,
    Tail,
    bootstrap_interval,
    conditional_value_at_risk,
    paired_difference,
)
from webapp.results.control.inference import (
    HOLDS_ZERO,
    NOT_AFTER_HOLM,
    ONE_SEED,
    Sample,
    changes,
    estimate,
)
from webapp.results.paired import Verdict

TAIL = Tail(0.1)


def mean(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sample.mean(axis=-1))


def cvar(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    return conditional_value_at_risk(sample, TAIL)


def episodes(seed: int = 0, count: int = 40) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 1, count)


@pytest.mark.parametrize("statistic", [mean, cvar])
def test_one_seed_has_exactly_the_figures_of_its_job(statistic: Statistic) -> None:
    values = episodes()
    assert estimate(Sample((0,), (values,)), statistic) == bootstrap_interval(statistic, values)


@pytest.mark.parametrize("statistic", [mean, cvar])
def test_one_pair_has_exactly_the_paired_difference(statistic: Statistic) -> None:
    before, after = episodes(1), episodes(2) + 0.5
    pair = (Sample((0,), (before,), is_fixed=True), Sample((0,), (after,), is_fixed=True))
    found = changes({"a": pair}, {"a": statistic})["a"]
    expected = paired_difference(before, after, statistic)
    assert (found.mean, found.low, found.high) == (expected.value, expected.low, expected.high)


def test_where_episodes_agree_the_interval_is_students_t_over_training_seeds() -> None:
    same = np.zeros(30)
    before = Sample((0, 1, 2), (same, same, same))
    after = Sample((0, 1, 2), (same + 1, same + 2, same + 3))
    found = changes({"a": (before, after)}, {"a": mean})["a"]
    # Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t of 2 degrees 4.3027.
    assert found.mean == pytest.approx(2)
    assert found.high - 2 == pytest.approx(4.3027 / np.sqrt(3), rel=0.02)
    assert found.paired_seeds


def test_what_training_seeds_have_in_common_cancels() -> None:
    before = Sample((0, 1, 2), tuple(episodes(7) + 10 * seed for seed in range(3)))
    after = Sample((2, 0, 1), tuple(episodes(7) + 10 * seed + 1 for seed in (2, 0, 1)))
    found = changes({"a": (before, after)}, {"a": mean})["a"]
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)
    assert found.verdict is Verdict.HIGHER


def test_other_training_seeds_count_on_both_sides() -> None:
    same = np.zeros(30)
    before = Sample((0, 1, 2), (same, same + 1, same + 2))
    after = Sample((5, 6, 7), (same + 1, same + 2, same + 3))
    found = changes({"a": (before, after)}, {"a": mean})["a"]
    assert not found.paired_seeds
    assert found.low < 0 < found.high


def test_a_policy_that_is_not_changed_does_not_differ() -> None:
    sample = Sample((0, 1), (episodes(0), episodes(1)))
    found = changes({"a": (sample, sample)}, {"a": cvar})["a"]
    assert (found.mean, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert (found.verdict, found.note) == (Verdict.UNDECIDED, HOLDS_ZERO)


def test_one_training_seed_decides_nothing_and_a_given_policy_does() -> None:
    before, after = episodes(), episodes() - 5
    trained = (Sample((0,), (before,)), Sample((0,), (after,)))
    given = (Sample((0,), (before,), is_fixed=True), Sample((0,), (after,), is_fixed=True))
    found = changes({"trained": trained, "given": given}, {"trained": mean, "given": mean})
    assert (found["trained"].verdict, found["trained"].note) == (Verdict.UNDECIDED, ONE_SEED)
    assert found["given"].verdict is Verdict.LOWER


def test_many_comparisons_ask_more_of_each() -> None:
    def pair(seed: int, by: float) -> tuple[Sample, Sample]:
        noise = np.random.default_rng(seed).normal(0, 1, 40)
        noise -= noise.mean()
        zero = np.zeros(40)
        return (
            Sample((0,), (zero,), is_fixed=True),
            Sample((0,), (noise + by,), is_fixed=True),
        )

    alone = changes({0: pair(0, 0.36)}, {0: mean})[0]
    assert alone.verdict is Verdict.HIGHER
    many = {key: pair(key, 0.36 if key == 0 else 0.0) for key in range(8)}
    together = changes(many, dict.fromkeys(many, mean))[0]
    assert together.p_adjusted == pytest.approx(min(1, 8 * alone.p_value))
    assert (together.verdict, together.note) == (Verdict.UNDECIDED, NOT_AFTER_HOLM)


def test_other_episodes_cannot_be_paired() -> None:
    pair = (Sample((0,), (episodes(count=40),)), Sample((0,), (episodes(count=41),)))
    with pytest.raises(ValueError, match="same episodes"):
        changes({"a": pair}, {"a": mean})
