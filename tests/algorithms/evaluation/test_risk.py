"""VaR, CVaR (vector T10), intervals and paired differences."""

import numpy as np
import pytest

from algorithms.environments.table import Reference, d4rl_reference
from algorithms.evaluation.risk import (
    Tail,
    bootstrap_interval,
    conditional_value_at_risk,
    paired_difference,
    risk_of,
    tail_size,
    value_at_risk,
)

RETURNS = np.array([-13, -12, -11.5, -11, -10.5, -10, -9.5, -9, -62, -112])


@pytest.mark.parametrize(
    ("tail", "var", "cvar"),
    [
        (Tail(0.1), -67.0, -112.0),
        (Tail(0.1, method="inverted_cdf"), -112.0, -112.0),
        (Tail(0.2), -22.8, -87.0),
        (Tail(0.2, method="inverted_cdf"), -62.0, -87.0),
        (Tail(0.25, "floor"), -12.75, -87.0),
        (Tail(0.25, "ceil"), -12.75, -62.333333),
    ],
)
def test_var_and_cvar_of_ten_returns(tail: Tail, var: float, cvar: float) -> None:
    assert value_at_risk(RETURNS, tail).item() == pytest.approx(var, abs=1e-6)
    assert conditional_value_at_risk(RETURNS, tail).item() == pytest.approx(cvar, abs=1e-6)


def test_the_tail_of_whole_shares_is_not_rounded_by_floats() -> None:
    assert 0.07 * 100 > 7
    assert tail_size(100, Tail(0.07, "ceil")) == 7
    assert tail_size(100, Tail(0.29, "floor")) == 29
    assert tail_size(3, Tail(0.1, "floor")) == 1


def test_intervals_hold_the_figure_and_narrow_with_more_episodes() -> None:
    random = np.random.default_rng(0)
    few, many = random.normal(size=50), random.normal(size=5000)
    widths = []
    for sample in (few, many):
        risk = risk_of(sample, Tail(0.1))
        for interval in (risk.mean, risk.var, risk.cvar):
            assert interval.low <= interval.value <= interval.high
        widths.append(risk.mean.high - risk.mean.low)
    assert widths[0] == pytest.approx(10 * widths[1], rel=0.4)
    assert widths[1] == pytest.approx(2 * 1.96 / np.sqrt(5000), rel=0.1)


def test_intervals_repeat_from_their_seed() -> None:
    def mean(sample: np.ndarray) -> np.ndarray:
        return np.asarray(sample.mean(axis=-1))

    assert bootstrap_interval(mean, RETURNS, seed=3) == bootstrap_interval(mean, RETURNS, seed=3)
    assert bootstrap_interval(mean, RETURNS, seed=3) != bootstrap_interval(mean, RETURNS, seed=4)


def test_pairs_cancel_what_the_seeds_have_in_common() -> None:
    random = np.random.default_rng(1)
    luck = random.normal(scale=50, size=200)
    found = paired_difference(
        luck, luck + 3 + random.normal(scale=0.1, size=200), lambda s: s.mean(axis=-1)
    )
    assert found.value == pytest.approx(3, abs=0.05)
    assert found.high - found.low < 0.1
    with pytest.raises(ValueError, match="same episodes"):
        paired_difference(luck, luck[1:], lambda s: s.mean(axis=-1))


@pytest.mark.parametrize(
    ("dataset", "value", "score"),
    [
        ("hopper-medium-v2", 1000, 31.348890),
        ("halfcheetah-medium-expert-v2", 5000, 42.530027),
        ("walker2d-random-v2", 3000, 65.314439),
        ("ant-medium-v2", 2000, 55.301643),
        ("hopper-expert-v2", -20.272305, 0),
        ("hopper-expert-v2", 3234.3, 100),
        ("antmaze-umaze-diverse-v2", 0.5, 50),
        ("maze2d-umaze-v1", 161.86, 100),
        ("maze2d-umaze-dense-v1", 193.66285642381482, 100),
    ],
)
def test_normalised_returns_are_d4rls(dataset: str, value: float, score: float) -> None:
    reference = d4rl_reference(dataset)
    assert reference is not None
    assert reference.source == "D4RL"
    assert reference.normalise(value) == pytest.approx(score, abs=1e-6)


def test_other_environments_have_no_d4rl_reference() -> None:
    assert d4rl_reference("pendulum-v1") is None
    assert d4rl_reference("anticipation-v0") is None
    assert Reference(-1227.8, -140.4, "local-normalised").normalise(-140.4) == 100
