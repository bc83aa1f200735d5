"""The baseline and the share of positives it is worth: test vector T9."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.shared.baseline import baseline_for_share, effective_positive_share

T9 = [
    (0.1, -0.3846154, 0.2),
    (0.1, -0.8, 0.5),
    (0.1, -0.95, 0.8125),
    (0.1, 0.83, 0.010216),
    (0.5, 0.8, 0.1),
    (0.5, -0.6, 0.8),
    (0.3, -1.0, 1.0),
    (0.3, 0.0, 0.3),
]


@pytest.mark.parametrize(("p", "c", "effective"), T9)
def test_t9_effective_shares_are_the_papers(p: float, c: float, effective: float) -> None:
    assert effective_positive_share(p, c) == pytest.approx(effective, abs=5e-7)


@pytest.mark.parametrize(("p", "c", "effective"), T9)
def test_t9_read_backwards_gives_the_baseline(p: float, c: float, effective: float) -> None:
    assert baseline_for_share(p, effective) == pytest.approx(c, abs=5e-5)


@given(st.floats(0.01, 0.99), st.floats(-1, 1))
def test_share_and_baseline_are_inverse(p: float, c: float) -> None:
    assert baseline_for_share(p, effective_positive_share(p, c)) == pytest.approx(c, abs=1e-9)


@given(st.floats(0.01, 0.99), st.floats(-1, 1))
def test_the_share_is_that_of_the_weights_on_each_sign(p: float, c: float) -> None:
    positive, negative = p * abs(1 - c), (1 - p) * abs(-1 - c)
    expected = positive / (positive + negative)
    assert effective_positive_share(p, c) == pytest.approx(expected, abs=1e-12)


def test_what_has_no_answer_is_refused() -> None:
    for p, c in [(0.0, -1.0), (1.0, 1.0), (1.5, 0.0), (0.5, 1.1)]:
        with pytest.raises(ValueError, match=r"share|baseline"):
            effective_positive_share(p, c)
    for p, share in [(0.0, 0.5), (1.0, 0.5), (0.5, 1.1)]:
        with pytest.raises(ValueError, match="effective share"):
            baseline_for_share(p, share)
