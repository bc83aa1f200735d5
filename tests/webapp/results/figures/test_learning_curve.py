"""Learning curves: what is drawn, and what is said about it."""

import numpy as np
import pytest

from algorithms.base import Metric
from webapp.results.curves import Curve, XAxis, band
from webapp.results.figures.learning_curve import (
    POINTS_PER_CURVE,
    CurveGroup,
    Level,
    Look,
    SeedCurve,
    draw,
)
from webapp.results.figures.scales import axis_range
from webapp.results.figures.text import plain

LOSS = Metric("loss", "Loss")
ACCURACY = Metric("eval_greedy_accuracy", "Greedy accuracy", better="higher")


def group(*values: list[float], name: str = "TOPR") -> CurveGroup:
    curves = [
        Curve(seed, np.arange(len(own), dtype=float), np.array(own, dtype=float))
        for seed, own in enumerate(values)
    ]
    seeds = tuple(SeedCurve(curve, f"/jobs/{curve.seed}/") for curve in curves)
    return CurveGroup(name, "topr", 0, seeds, band(curves))


def test_bands_are_behind_seeds_and_seeds_behind_means() -> None:
    figure = draw([group([1, 2], [2, 3]), group([0, 1], [1, 1], name="PPO")], LOSS, Look())
    kinds = [
        "band" if one.fill else "seed" if one.line.width == 1 else "mean" for one in figure.data
    ]
    assert kinds == ["band"] * 2 + ["seed"] * 4 + ["mean"] * 2


def test_the_mean_says_its_interval_and_n_when_pointed_at() -> None:
    mean = draw([group([1.0], [3.0])], LOSS, Look()).data[-1]
    assert mean.y.tolist() == [2.0]
    assert mean.customdata[0][1] == "± 12.7 (N = 2)"
    assert mean.name == "TOPR (N = 2)"


def test_one_seed_has_no_band_and_says_so() -> None:
    figure = draw([group([1.0, 2.0])], LOSS, Look())
    assert [one for one in figure.data if one.fill] == []
    assert figure.data[-1].customdata[0][1] == "one seed, no interval"


def test_a_band_is_drawn_only_where_two_seeds_are() -> None:
    outline = draw([group([1, 2, 3, 4], [2, 3])], LOSS, Look()).data[0]
    drawn = outline.x[np.isfinite(outline.x)]
    assert drawn.tolist() == [0, 1, 1, 0]


def test_long_curves_are_thinned_said_and_keep_their_spike() -> None:
    values = [0.0] * 5000
    values[3333] = 9.0
    figure = draw([group(values)], LOSS, Look())
    assert all(len(one.x) <= POINTS_PER_CURVE for one in figure.data)
    assert max(figure.data[-1].y) == 9.0
    assert any("thinned" in note for note in figure.layout.meta["notes"])


def test_points_that_are_no_numbers_are_left_out_and_counted() -> None:
    figure = draw([group([1.0, float("inf"), 2.0])], LOSS, Look())
    assert "1 points are not finite numbers and are left out." in figure.layout.meta["notes"]


def test_smoothing_and_axis_are_named() -> None:
    figure = draw([group([1, 2])], LOSS, Look(axis=XAxis.TOKENS, smoothing=0.5))
    assert figure.layout.xaxis.title.text == "Completion tokens trained on"
    assert "weight 0.5" in figure.layout.meta["notes"][0]


def test_a_level_spans_the_curves() -> None:
    figure = draw([group([0, 1, 2])], ACCURACY, Look(), levels=[Level("base", 0.4, "/jobs/9/")])
    assert (list(figure.data[-1].x), list(figure.data[-1].y)) == ([0, 2], [0.4, 0.4])


def test_nothing_measured_draws_nothing() -> None:
    assert len(draw([group([])], LOSS, Look()).data) == 0
    assert len(draw([], LOSS, Look(), levels=[Level("base", 0.4, "")]).data) == 0


def test_names_are_drawn_letter_by_letter() -> None:
    figure = draw([group([1], [2], name="<b>%{x}$a$</b>")], LOSS, Look())
    for text in (figure.data[-1].name, figure.data[-1].hovertemplate.removeprefix("<b>")):
        assert text.startswith("&lt;b&gt;&#37;&#123;x}&#36;a&#36;&lt;/b&gt;")
    assert plain("a & b") == "a &amp; b"


def test_a_wide_band_does_not_flatten_the_curves_and_shares_stay_within_zero_and_one() -> None:
    values = np.array([0.4, 0.6])
    assert axis_range(values, np.array([-5.0, 7.0, np.nan]), LOSS) == pytest.approx([0.3, 0.7])
    assert axis_range(np.array([0.0, 1.0]), np.array([-5.0, 7.0]), ACCURACY) == [-0.02, 1.02]
    assert axis_range(np.empty(0), np.empty(0), LOSS) is None
