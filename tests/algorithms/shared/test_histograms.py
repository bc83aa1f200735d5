"""Histograms of ratios: bins, their symmetry, and what falls into them."""

import numpy as np
import pytest

from algorithms.shared.histograms import BINS, EDGES, bin_counts, bin_places, counts_of


def test_bins_are_symmetric_and_every_one_is_wider_the_farther_from_one() -> None:
    assert pytest.approx(-EDGES[::-1]) == EDGES
    widths = np.diff(EDGES)[BINS // 2 :]
    assert (np.diff(widths) > 0).all()
    assert EDGES[-1] == pytest.approx(100)
    assert widths[0] < 0.02


def test_every_number_is_in_the_bin_around_it_and_the_outermost_hold_the_rest() -> None:
    counts = bin_counts(np.array([0.0, 0.001, -1e9, np.inf, -np.inf, 99.0, np.nan]))
    assert sum(counts) == 6
    assert counts[BINS // 2] == 2
    assert counts[0] == 2
    assert counts[-1] == 2


def test_a_sign_without_a_number_has_no_histogram() -> None:
    found = list(
        counts_of(7, {("token", "positive"): np.zeros(3), ("token", "negative"): np.empty(0)})
    )
    assert [(c.step, c.level, c.sign, sum(c.counts)) for c in found] == [
        (7, "token", "positive", 3)
    ]


def test_places_count_bins() -> None:
    assert bin_places(EDGES) == pytest.approx(np.arange(BINS + 1), abs=1e-9)
    assert bin_places(np.array([0.0])) == pytest.approx(BINS / 2)
