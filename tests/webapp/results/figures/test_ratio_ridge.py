"""The heat maps of importance ratios."""

import json

import numpy as np
import pytest

from algorithms.shared.histograms import BINS, bin_counts
from webapp.results.figures import ratio_ridge
from webapp.results.figures.ratio_ridge import RatioHistory


def history(*log_ratios: list[float]) -> RatioHistory:
    counts = np.array([bin_counts(np.array(values)) for values in log_ratios])
    return RatioHistory(steps=np.arange(len(log_ratios)) * 5, counts=counts)


def test_each_sign_has_a_heat_map_whose_columns_are_steps_and_their_median() -> None:
    drawn = json.loads(
        ratio_ridge.draw(
            {"positive": history([0, 0], [0.5, 0.5]), "negative": history([0], [-1])},
            unit="tokens",
        ).to_json()
    )
    kinds = [(trace["type"], trace["xaxis"]) for trace in drawn["data"]]
    assert kinds == [("heatmap", "x"), ("scatter", "x"), ("heatmap", "x2"), ("scatter", "x2")]
    assert drawn["data"][0]["x"] == [0, 5]
    headings = [annotation["text"] for annotation in drawn["layout"]["annotations"]]
    assert headings == ["Positive advantage", "Negative advantage"]
    low, high = drawn["layout"]["yaxis"]["range"]
    assert "1" in drawn["layout"]["yaxis"]["ticktext"]
    assert all(low <= place <= high for place in drawn["layout"]["yaxis"]["tickvals"])


def test_a_sign_without_ratios_takes_no_room_and_nothing_at_all_draws_nothing() -> None:
    drawn = json.loads(ratio_ridge.draw({"negative": history([0])}, unit="tokens").to_json())
    assert drawn["layout"]["xaxis"]["domain"] == [0, 1]
    assert json.loads(ratio_ridge.draw({}, unit="tokens").to_json())["data"] == []


def test_the_median_lies_in_its_bin() -> None:
    found = history([0.001] * 3 + [50.0] * 2, [-3.0, -3.0, -3.0]).medians
    assert BINS / 2 < found[0] < BINS / 2 + 1
    assert found[1] < BINS / 2
    assert history([1.0]).shares.sum() == pytest.approx(1)


def test_ticks_leave_room_for_each_other() -> None:
    wide = ratio_ridge.draw({"positive": history([-90.0, 90.0])}, unit="tokens")
    places = np.array(wide.layout.yaxis.tickvals)
    assert len(places) >= 5
    assert np.diff(places).min() > BINS / 20
