"""The score-field page: everything in the address, numbers of the network itself."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from django.test import Client

from algorithms.control_data.transitions import load_transitions
from algorithms.control_models.files import load_score
from tests.webapp.labs.asked import HTMX, error_at, figure_url
from webapp.jobs.models import Job
from webapp.labs.sources import folder_of

URL = "/labs/score-field/"


def test_without_a_network_the_page_says_what_is_needed_and_where_to_make_it(page: Client) -> None:
    text = page.get(URL).content.decode()
    assert "A score network is needed first" in text
    assert "recipe=control" in text


def test_the_page_opens_with_the_newest_network_and_labels_the_method(
    page: Client, jobs: dict[str, Job]
) -> None:
    text = page.get(URL).content.decode()
    assert f"score of PointMass, on data of PointMass (job {jobs['score'].pk})" in text
    assert "CDSA, reference design" in text
    assert "x first or along y first" in text
    assert "goal x" not in text  # constant: the network does not see it
    figure = json.loads(page.get(figure_url(text, "score-field")).content)
    assert [trace["type"] for trace in figure["data"]] == ["heatmap"] + ["scatter"] * 4


def test_the_exports_hold_the_networks_score_in_raw_and_in_normalised_units(
    page: Client, jobs: dict[str, Job]
) -> None:
    query = {"score": str(jobs["score"].pk), "x": "0", "y": "3", "level": "2", "v1": "0.25"}
    stored = load_score(folder_of(jobs["score"]))
    data = load_transitions(folder_of(jobs["data"]))
    for units in ("raw", "normalised"):
        answer = page.get(f"{URL}plane.csv", {**query, "units": units}).content.decode()
        line = list(csv.DictReader(io.StringIO(answer)))[77]
        mean, deviation = stored.scaling.mean, stored.scaling.deviation
        x, action = float(line["x"]), float(line["a1"])
        if units == "raw":
            x = (x - mean[0]) / deviation[0]
        held = [x, (0.25 - mean[1]) / deviation[1], np.median(data.actions[:, 0]), action]
        level = float(stored.model.predictor.levels[2])
        score = stored.model.score(torch.tensor([held], dtype=torch.float32), level)[0].numpy()
        factor = deviation[0] if units == "raw" else 1.0
        assert float(line["score_x"]) == pytest.approx(score[0] / factor, rel=2e-3, abs=1e-4)
        assert float(line["score_a1"]) == pytest.approx(score[3], rel=2e-3, abs=1e-4)
        assert float(line["sigma"]) == pytest.approx(0.35938, abs=1e-4)


def test_the_json_tells_the_losses_by_level_with_their_floor(
    page: Client, jobs: dict[str, Job]
) -> None:
    found = page.get(f"{URL}plane.json", {"background": "density"}).json()
    assert found["method"] == "CDSA, reference design"
    assert found["losses_held_out"]
    record = json.loads((folder_of(jobs["score"]) / "model.json").read_text())
    assert [one["stored"] for one in found["losses"]] == record["losses"]
    floors = [one["floor"] for one in found["losses"]]
    assert floors == sorted(floors)  # less noise leaves less to tell noise by
    assert all(0 < floor < 2 for floor in floors)  # 4 dimensions: half of 4 at most
    assert max(max(row) for row in found["log_density_along_lines"]) == 0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"y": "0"}, ("id_y", "Choose another dimension than across.")),
        ({"level": "10"}, ("id_level", "The network has 10 noise levels.")),
        ({"held": "row", "row": "99999"}, ("id_row", "The data set has rows 0 to ")),
        ({"v2": "much"}, ("v2", "“much” is not a number.")),
        ({"x": "7"}, ("id_x", "Select a valid choice.")),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    page: Client, jobs: dict[str, Job], changed: dict[str, str], told: tuple[str, str]
) -> None:
    answer = page.get(
        URL, {"score": str(jobs["score"].pk), **changed}, headers=HTMX
    ).content.decode()
    assert told[1] in error_at(answer, told[0])
    assert "data-load-figure" not in answer


def test_a_row_of_the_data_is_the_point_that_the_plane_goes_through(
    page: Client, jobs: dict[str, Job]
) -> None:
    data = load_transitions(folder_of(jobs["data"]))
    held = page.get(f"{URL}plane.json", {"held": "row", "row": "33"}).json()["held"]
    assert [held["x"], held["y"]] == pytest.approx(data.observations[33, :2].tolist(), abs=1e-5)
    assert [held["a0"], held["a1"]] == pytest.approx(data.actions[33].tolist(), abs=1e-5)


def test_a_network_whose_artifact_is_gone_says_so(page: Client, jobs: dict[str, Job]) -> None:
    folder = folder_of(jobs["score"])
    folder.rename(folder.with_name("elsewhere"))
    answer = page.get(URL, headers=HTMX).content.decode()
    assert "compute it again" in error_at(answer, "errors-score")
